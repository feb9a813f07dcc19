// A session against a server that is played by hand, under a clock that jumps to the next deadline.

import { ClientSession } from '../lib/session.js';

export const EPOCH = 'epoch-one';
export const STATUS = { types: ['service:status'] };
export const LOGS = { types: ['logs:stream'], keys: ['web'], tail: 500 };

/** A session and what came out of it. */
export class Play {
  now = 0;
  /** @type {any[]} frames */
  sent = [];
  /** @type {any[]} */
  told = [];
  /** @type {any[]} */
  requests = [];
  /** @type {number[]} */
  cancelled = [];
  connects = 0;
  /** A socket that was asked for is neither open nor given up. */
  opening = false;
  disconnects = 0;

  constructor(identity = undefined) {
    this.session = new ClientSession({ identity, random: () => 0.2 });
    this.session.start(this.now);
    this.drain();
  }

  drain() {
    for (let action = this.session.pollAction(); action; action = this.session.pollAction()) {
      if (action.kind === 'send') {
        this.sent.push(JSON.parse(action.text));
      } else if (action.kind === 'connect') {
        this.connects += 1;
        this.opening = true;
      } else if (action.kind === 'request') {
        this.requests.push({ ...action, body: action.body && JSON.parse(action.body) });
      } else if (action.kind === 'cancel') {
        this.cancelled.push(action.id);
      } else {
        this.disconnects += 1;
        this.opening = false;
      }
    }
    for (let event = this.session.pollEvent(); event; event = this.session.pollEvent()) {
      this.told.push(event);
    }
  }

  /** Lets time pass, deadline by deadline. */
  pass(ms) {
    const end = this.now + ms;
    for (let at = this.session.pollTimeout(); at !== undefined && at <= end; at = this.session.pollTimeout()) {
      this.now = at;
      this.session.handleTimeout(at);
      this.drain();
    }
    this.now = end;
  }

  /** Lets time pass until a socket is asked for. */
  passToAttempt() {
    while (!this.opening) {
      this.pass(this.session.pollTimeout() - this.now);
    }
  }

  open() {
    this.opening = false;
    this.session.handleOpen(this.now);
    this.drain();
  }

  receive(...frames) {
    for (const frame of frames) {
      this.session.handleMessage(JSON.stringify(frame), this.now);
    }
    this.drain();
  }

  close(code = 1006, reason = '') {
    this.opening = false;
    this.session.handleClose(code, reason, this.now);
    this.drain();
  }

  /** Answers the last request for a path. */
  answer(path, status, body = {}, retryAfterMs = undefined) {
    const { id } = this.requests.findLast((request) => request.path === path);
    this.session.handleResponse(id, { status, retryAfterMs, text: JSON.stringify(body) }, this.now);
    this.drain();
  }

  /** The last request for a path fails. */
  fail(path) {
    const { id } = this.requests.findLast((request) => request.path === path);
    this.session.handleResponse(id, undefined, this.now);
    this.drain();
  }

  read(room, filters) {
    this.session.read(room, filters, this.now);
    this.drain();
  }

  welcome() {
    this.open();
    this.receive(WELCOME);
  }

  /** Live, with the room `shop` caught up to `seq`. */
  static reading(filters = [STATUS], seq = 10) {
    const play = new Play();
    play.read('shop', filters);
    play.welcome();
    const { id } = play.subscribes().at(-1);
    play.receive(subscribed(id, 'fresh', seq), snapshot(id, event(seq)), ready(id, seq));
    play.clear();
    return play;
  }

  subscribes() {
    return this.sent.filter(({ type }) => type === 'subscribe');
  }

  tellings(kind) {
    return this.told.filter((event) => event.kind === kind);
  }

  clear() {
    this.sent = [];
    this.told = [];
  }
}

export const WELCOME = {
  type: 'welcome',
  data: { sessionId: 's1', secret: 'x1', serverTime: '2026-01-31T12:00:00.000Z', heartbeatMs: 30_000, heartbeatTimeoutMs: 10_000 },
};
export const event = (seq, service = 'web') => ({
  type: 'service:status', seq, timestamp: '2026-01-31T12:00:00.000Z', data: { service, status: 'running' },
});
export const subscribed = (id, recovered, seq, epoch = EPOCH) => ({
  type: 'subscribed', id, room: 'shop', data: { epoch, cursor: `${epoch}.${seq}`, recovered },
});
export const snapshot = (id, ...events) => ({ type: 'snapshot', id, room: 'shop', events });
export const ready = (id, seq, epoch = EPOCH) => ({ type: 'ready', id, room: 'shop', data: { cursor: `${epoch}.${seq}` } });
export const live = (seq) => ({ ...event(seq), room: 'shop' });
export const gap = (missed, to = 19) => ({
  type: 'gap', room: 'shop', data: { from: 11, to, missed, why: 'slow', of: [{ type: 'logs:stream', key: 'web', missed }] },
});
