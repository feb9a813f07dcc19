// The transcripts that the server's own suite plays, from what it recorded: the session asks for what the
// suite's clients asked for, and tells what the transcript expects.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Play } from './play.js';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../../tests/transcripts');
const POLL = '/api/poll';
// Two begin at a cursor that a client was given, and a session begins without one; one goes through
// server-sent events, which the page does not use.
const NOT_A_SESSION = ['future-cursor.json', 'malformed-since.json', 'one-cursor.json'];

const readJson = (...path) => JSON.parse(readFileSync(join(FOLDER, ...path), 'utf8'));
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json') && !NOT_A_SESSION.includes(file));
let played = 0;

for (const file of files) {
  const transcript = readJson(file);
  for (const [route, exchanges] of Object.entries(readJson('recorded', file))) {
    test(`${transcript.name} (${route})`, () => {
      new Player(transcript, exchanges).play();
      played += 1;
    });
  }
}

test('all recordings were played', () => {
  assert.ok(played > 70, String(played));
});

class Player extends Play {
  published = {};
  /** @type {any} */
  wish;
  over;
  ids = [];
  /** Positions that were told as events, by epoch of the transcript. */
  seen = new Set();
  inSystem = [];
  wasThere = false;

  constructor(transcript, exchanges) {
    super();
    this.transcript = transcript;
    this.exchanges = exchanges;
  }

  play() {
    this.transcript.steps.forEach((step, index) => {
      const [[name, value]] = step === 'restart' ? [['restart']] : Object.entries(step);
      const exchanges = this.exchanges.filter((exchange) => exchange.step === index);
      this.before(name, value, index);
      for (const exchange of exchanges) {
        this.exchange(exchange);
      }
      this.after(name, value, `step ${index + 1}`);
    });
  }

  /** What the client does before anything goes over the wire in a step. */
  before(name, value, index) {
    const next = this.exchanges.find((exchange) => exchange.step >= index)?.over;
    switch (name) {
      case 'open':
        this.published[value] = [];
        return;
      case 'publish': {
        const { room = 'shop', times = 1, type, data } = value;
        for (let time = 0; time < times; time += 1) {
          this.published[room].push({ type, data });
        }
        return;
      }
      case 'subscribe':
        if (this.wish !== undefined) {
          this.read(this.wish.room, []);
        }
        this.wish = { room: 'shop', filters: [{}], ...value };
        return this.connect(next);
      case 'resume':
        return this.connect(next);
      case 'add':
        return this.read(this.wish.room, [...this.wish.filters, value]);
      case 'remove':
        this.wish.filters = this.wish.filters.filter((filter) => JSON.stringify(filter) !== JSON.stringify(value));
        return this.read(this.wish.room, this.wish.filters);
    }
  }

  /** What it does, or has to have told, afterwards. */
  after(name, value, place) {
    if (name === 'cut' || name === 'restart') {
      this.cut();
    }
    if (name === 'restart') {
      this.published = {};
    }
    if (name === 'restart' || name === 'close') {
      this.seen.clear();
    }
    if (name === 'expect') {
      assert.deepEqual(this.tells(), expectation(value), place);
      this.told = [];
    }
  }

  connect(over) {
    this.over = over;
    this.read(this.wish.room, this.wish.filters);
    if (over === 'websocket') {
      this.passToAttempt();
      this.sent = [];
      this.told = [];
      return this.open();
    }
    do {
      this.passToAttempt();
      this.close();
      this.answer('/api/session', 200);
    } while (this.session.state.name !== 'polling');
    this.told = [];
  }

  cut() {
    if (this.over === 'websocket') {
      this.close();
    } else if (this.over === 'poll') {
      this.fail(POLL);
    }
    this.over = undefined;
  }

  exchange({ over, sent, received }) {
    if (over === 'poll') {
      return this.exchangePolls(sent, received);
    }
    const requests = this.sent.filter(({ type }) => type === 'subscribe' || type === 'unsubscribe');
    for (const frame of sent.filter(({ type }) => type !== 'pong')) {
      const request = requests.shift();
      this.ids[frame.id] = request.id;
      const { types, keys, tail, ...data } = frame.data;
      const filter = JSON.parse(JSON.stringify({ types, keys, tail }));
      // One filter may stand in `data` itself; the session always writes a list.
      const expected = frame.type === 'subscribe' && data.filters === undefined ? { filters: [filter] } : frame.data;
      assert.deepEqual({ ...request, id: frame.id }, { ...frame, data: expected });
    }
    this.sent = [];
    this.receive(...received.map((frame) => this.whole({ ...frame, id: this.ids[frame.id] ?? frame.id })));
  }

  exchangePolls(sent, received) {
    received.forEach((answer, index) => {
      this.pass(1_000);
      const request = this.requests.findLast(({ path }) => path === POLL);
      assert.deepEqual(request.body.subscriptions, sent[index].subscriptions);
      if (answer.error === undefined) {
        this.answer(POLL, 200, { rooms: answer.rooms.map((room) => this.whole(room)) });
      } else {
        this.answer(POLL, 404, answer);
      }
    });
  }

  /** A frame or a room with its events in place of their positions. */
  whole(frame) {
    const lists = ['events', 'snapshot'].filter((name) => Array.isArray(frame[name]));
    const events = (list) => list.flatMap((event) => (Array.isArray(event.seq) ? this.run(frame.room, event) : [event]));
    return { ...frame, ...Object.fromEntries(lists.map((name) => [name, events(frame[name])])) };
  }

  run(room, { seq: [from, to], timestamp }) {
    return Array.from({ length: to - from + 1 }, (_, at) => ({
      ...this.published[room][from + at - 1], seq: from + at, timestamp,
    }));
  }

  /** What the session has told since it connected or was last asked, in the form of an expectation. */
  tells() {
    const told = [];
    let events = [];
    let missed = 0;
    let of = {};
    for (const delivery of [...this.told, { kind: 'end' }]) {
      if (delivery.kind === 'events') {
        events.push(...delivery.events.map((event) => this.once(event.seq)));
      } else if (delivery.kind === 'gap') {
        missed += delivery.gap.missed;
        for (const { type, key, missed: lost } of delivery.gap.of) {
          of[`${type} ${key}`] = (of[`${type} ${key}`] ?? 0) + lost;
        }
      } else {
        if (missed > 0) {
          told.push({ gap: missed, of });
          [missed, of] = [0, {}];
        }
        if (events.length > 0) {
          told.push({ events });
          events = [];
        }
        if (delivery.kind === 'snapshot') {
          this.seen.clear();
          told.push({ snapshot: delivery.events.map(({ seq }) => this.number(seq)), reset: delivery.reset });
        } else if (delivery.kind === 'closed') {
          told.push('closed');
        } else if (delivery.kind === 'error') {
          told.push({ error: delivery.error.code });
        }
      }
    }
    return told;
  }

  once(seq) {
    assert.ok(!this.seen.has(seq), `${seq} comes twice`);
    this.seen.add(seq);
    return this.number(seq);
  }

  /** In `system` only what was asked for is counted: who is here takes positions, too. */
  number(seq) {
    if (this.wish.room !== 'system') {
      return seq;
    }
    if (!this.inSystem.includes(seq)) {
      this.inSystem.push(seq);
    }
    return this.inSystem.indexOf(seq) + 1;
  }
}

/** What a session tells of what a transcript expects: the answers themselves and `ready` are its own affair. */
function expectation(expected) {
  const told = [];
  const seqs = (list) => list.flatMap((seq) =>
    Array.isArray(seq) ? Array.from({ length: seq[1] - seq[0] + 1 }, (_, at) => seq[0] + at) : [seq]);
  for (const item of expected) {
    if (item === 'closed') {
      told.push('closed');
    } else if (item.subscribed === 'fresh' || item.subscribed === 'reset') {
      told.push({ snapshot: [], reset: item.subscribed === 'reset' });
    } else if (item.snapshot !== undefined) {
      told.at(-1).snapshot.push(...seqs(item.snapshot));
    } else if (item.events !== undefined) {
      told.push({ events: seqs(item.events) });
    } else if (item.gap !== undefined) {
      const of = Object.fromEntries(item.gap.of.map(({ type, key, missed }) => [`${type} ${key}`, missed]));
      told.push({ gap: item.gap.missed, of });
    } else if (item.error !== undefined && item.error !== 'unknown_room') {
      told.push({ error: item.error });
    }
  }
  return told;
}
