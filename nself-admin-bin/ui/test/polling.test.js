// The session while the socket is away: why an upgrade failed, polls from the same cursors, and the way back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EPOCH, LOGS, Play, STATUS, WELCOME, event, live, ready, subscribed } from './play.js';

const POLL = '/api/poll';
const SESSION = '/api/session';
const polled = (seq, events = [], more = {}) => ({
  rooms: [{ room: 'shop', epoch: EPOCH, cursor: `${EPOCH}.${seq}`, recovered: 'full', snapshot: [], gaps: [], events, more: false, ...more }],
});
const logLine = (seq, service) => ({ ...event(seq), type: 'logs:stream', data: { kind: 'line', service } });

/** A session that read `shop` up to 10, and polls since the socket has been away for 5 s. */
function away(filters = [STATUS]) {
  const play = Play.reading(filters, 10);
  play.close();
  play.pass(1_000);
  play.close();
  play.answer(SESSION, 200);
  play.pass(4_000);
  return play;
}

/** A poll is sent when its timer is due, which is at once. */
function settle(play) {
  play.pass(0);
}

const seqs = (play) => play.tellings('events').flatMap(({ events }) => events.map(({ seq }) => seq));
const polls = (play) => play.requests.filter(({ path }) => path === POLL);

test('a refused upgrade asks why, and 401 is signed out, for good', () => {
  const play = new Play();
  play.close();
  assert.deepEqual(play.requests.map(({ method, path }) => [method, path]), [['GET', SESSION]]);
  play.answer(SESSION, 401);
  assert.equal(play.session.state.name, 'signedOut');
  play.session.handleWake(play.now);
  play.pass(100_000);
  assert.equal(play.connects, 1);
  play.session.start(play.now);
  play.drain();
  assert.equal(play.connects, 2);
  assert.equal(play.session.state.name, 'connecting');
});

test('a connection that was open is not asked about', () => {
  const play = new Play();
  play.welcome();
  play.close();
  assert.deepEqual(play.requests, []);
});

test('Retry-After of the answer takes precedence over the backoff', () => {
  for (const status of [429, 503]) {
    const play = new Play();
    play.close();
    play.answer(SESSION, status, {}, 7_000);
    play.pass(6_999);
    assert.equal(play.connects, 1);
    play.pass(1);
    assert.equal(play.connects, 2);
  }
});

test('without an answer the backoff goes on', () => {
  const play = new Play();
  play.close();
  play.fail(SESSION);
  play.pass(1_000);
  assert.equal(play.connects, 2);
});

test('away for 5 s it polls with the same cursors, and nothing before', () => {
  const play = Play.reading([STATUS], 10);
  play.close();
  play.pass(4_999);
  assert.deepEqual(polls(play), []);
  play.pass(1);
  const [{ method, body }] = polls(play);
  assert.equal(method, 'POST');
  assert.deepEqual(body, { waitMs: 0, subscriptions: [{ room: 'shop', filters: [STATUS], since: `${EPOCH}.10` }] });
});

test('the state is polling while the server answers, unreachable while it does not', () => {
  const play = away();
  assert.equal(play.session.state.name, 'polling', 'it has answered why the upgrade failed');
  play.fail(POLL);
  assert.equal(play.session.state.name, 'unreachable');
  play.clear();
  play.pass(10_000);
  play.close();
  play.answer(SESSION, 200);
  assert.equal(play.session.state.name, 'polling');
  assert.equal(polls(play).length, 2, 'polls begin again');
});

test('a server that does not answer the first poll is unreachable until it does', () => {
  const play = Play.reading([STATUS], 10);
  play.close();
  play.pass(5_000);
  assert.equal(play.session.state.name, 'unreachable');
  play.answer(POLL, 200, polled(10));
  assert.equal(play.session.state.name, 'polling');
});

test('polls follow each other from where the last one ended, and wait for events', () => {
  const play = away();
  play.answer(POLL, 200, polled(12, [event(11), event(12)]));
  settle(play);
  assert.deepEqual(polls(play).at(-1).body, {
    waitMs: 20_000, subscriptions: [{ room: 'shop', filters: [STATUS], since: `${EPOCH}.12` }],
  });
  assert.deepEqual(seqs(play), [11, 12]);
  assert.ok(play.tellings('events').every((told) => !told.live));
});

test('the socket goes on from where polling stood, and a late answer tells nothing twice', () => {
  const play = away();
  play.answer(POLL, 200, polled(12, [event(11), event(12)]));
  settle(play);
  const { id } = polls(play).at(-1);
  play.clear();
  play.open();
  assert.deepEqual(play.cancelled, [id]);
  assert.equal(play.subscribes()[0].data.since, `${EPOCH}.12`);
  play.answer(POLL, 200, polled(13, [event(13)]));
  assert.deepEqual(seqs(play), []);
  play.receive(WELCOME, subscribed(play.subscribes()[0].id, 'full', 13), live(13), ready(play.subscribes()[0].id, 13));
  assert.deepEqual(seqs(play), [13]);
  assert.equal(play.session.state.name, 'live');
  play.pass(25_000);
  assert.equal(polls(play).length, 2, 'with a live socket there are no polls');
});

test('a socket that opens and says nothing gives way to polls again', () => {
  const play = away();
  play.answer(POLL, 200, polled(11, [event(11)]));
  settle(play);
  play.open();
  const before = polls(play).length;
  play.pass(5_000);
  assert.equal(polls(play).length, before + 1);
  assert.equal(polls(play).at(-1).body.subscriptions[0].since, `${EPOCH}.11`);
});

test('attempts to connect go on while it polls', () => {
  const play = away();
  play.answer(POLL, 200, polled(10));
  settle(play);
  const before = play.connects;
  play.pass(16_000);
  play.close();
  assert.equal(play.connects, before + 1);
  assert.equal(play.session.state.name, 'polling');
});

test('an answer before its time with nothing is not asked for again at once', () => {
  const play = away();
  play.answer(POLL, 200, polled(10));
  settle(play);
  play.answer(POLL, 200, polled(10));
  settle(play);
  assert.equal(polls(play).length, 2);
  play.pass(1_000);
  assert.equal(polls(play).length, 3);
  play.answer(POLL, 200, polled(10, [], { more: true }));
  settle(play);
  assert.equal(polls(play).length, 4, 'more is asked for at once');
});

test('a poll without an answer is given up', () => {
  const play = away();
  play.pass(5_000);
  assert.equal(play.session.state.name, 'unreachable');
  assert.equal(play.cancelled.length, 1);
});

test('Retry-After of a poll is kept', () => {
  const play = away();
  play.answer(POLL, 503, {}, 3_000);
  play.pass(2_999);
  assert.equal(polls(play).length, 1);
  play.pass(1);
  assert.equal(polls(play).length, 2);
});

test('a poll that is not signed in stops everything', () => {
  const play = away();
  play.answer(POLL, 401);
  assert.equal(play.session.state.name, 'signedOut');
  assert.equal(play.session.pollTimeout(), undefined);
});

test('a gap of a poll is told before its events, and a reset replaces', () => {
  const play = away([LOGS]);
  const gap = { from: 11, to: 20, missed: 3, why: 'slow', of: [{ type: 'logs:stream', key: 'web', missed: 3 }] };
  play.clear();
  play.answer(POLL, 200, polled(21, [logLine(21, 'web')], { recovered: 'gap', gaps: [gap] }));
  assert.deepEqual(play.told.map(({ kind }) => kind), ['gap', 'events']);
  settle(play);
  play.clear();
  play.answer(POLL, 200, { rooms: [{ ...polled(2).rooms[0], epoch: 'epoch-two', cursor: 'epoch-two.2', recovered: 'reset', snapshot: [event(2)] }] });
  assert.deepEqual(play.told, [{ kind: 'snapshot', room: 'shop', filters: [LOGS], events: [event(2)], reset: true }]);
  settle(play);
  assert.equal(polls(play).at(-1).body.subscriptions[0].since, 'epoch-two.2');
});

test('a room that was never read begins with its snapshot', () => {
  const play = new Play();
  play.close();
  play.answer(SESSION, 200);
  play.read('shop', [STATUS]);
  play.pass(5_000);
  assert.deepEqual(polls(play)[0].body.subscriptions, [{ room: 'shop', filters: [STATUS] }]);
  play.answer(POLL, 200, polled(4, [], { recovered: 'fresh', snapshot: [event(4)] }));
  assert.deepEqual(play.tellings('snapshot').map(({ events, reset }) => [events.length, reset]), [[1, false]]);
});

test('an added filter gets its snapshot by itself, and nothing of it comes twice', () => {
  const play = away([STATUS]);
  play.answer(POLL, 200, polled(10));
  settle(play);
  const { id } = polls(play).at(-1);
  play.read('shop', [STATUS, LOGS]);
  settle(play);
  assert.deepEqual(play.cancelled, [id], 'what was asked for is no longer what is wanted');
  const late = JSON.stringify(polled(11, [event(11)]));
  play.session.handleResponse(id, { status: 200, retryAfterMs: undefined, text: late }, play.now);
  play.drain();
  assert.deepEqual(seqs(play), []);
  assert.deepEqual(polls(play).at(-1).body.subscriptions, [{ room: 'shop', filters: [LOGS] }]);
  const kept = [logLine(12, 'web'), logLine(14, 'web')];
  play.answer(POLL, 200, polled(15, [], { recovered: 'fresh', snapshot: kept }));
  settle(play);
  assert.equal(polls(play).at(-1).body.subscriptions[0].since, `${EPOCH}.10`, 'the other filter goes on from its place');
  play.clear();
  play.answer(POLL, 200, polled(17, [logLine(12, 'web'), event(13), logLine(14, 'web'), event(15), logLine(16, 'web')]));
  assert.deepEqual(seqs(play), [13, 15, 16]);
});

test('what an added filter had by its poll does not come again over the socket', () => {
  const play = away([STATUS]);
  play.read('shop', [STATUS, LOGS]);
  settle(play);
  play.answer(POLL, 200, polled(15, [], { recovered: 'fresh', snapshot: [logLine(14, 'web')] }));
  play.clear();
  play.open();
  const [{ id, data }] = play.subscribes();
  assert.deepEqual(data, { filters: [STATUS, LOGS], since: `${EPOCH}.10` });
  play.receive(WELCOME, subscribed(id, 'full', 16));
  play.receive({ type: 'batch', room: 'shop', events: [event(13), logLine(14, 'web'), logLine(16, 'web')] }, ready(id, 16));
  assert.deepEqual(seqs(play), [13, 16]);
});

test('a room that is not there refuses the poll, and the others are asked for without it', () => {
  const play = away();
  play.read('system', [{ types: ['room:status'] }]);
  settle(play);
  const index = polls(play).at(-1).body.subscriptions.findIndex(({ room }) => room === 'shop');
  play.answer(POLL, 404, { error: { code: 'unknown_room', message: 'gone', field: `/subscriptions/${index}/room` } });
  settle(play);
  assert.deepEqual(play.tellings('closed'), [{ kind: 'closed', room: 'shop' }]);
  assert.deepEqual(play.tellings('error'), []);
  assert.deepEqual(polls(play).at(-1).body.subscriptions.map(({ room }) => room), ['system']);
  const open = { type: 'room:status', seq: 1, timestamp: 't', data: { room: 'shop', state: 'open' } };
  const system = { ...polled(1, [open]).rooms[0], room: 'system' };
  play.answer(POLL, 200, { rooms: [{ ...system, recovered: 'fresh' }] });
  settle(play);
  assert.deepEqual(polls(play).at(-1).body.subscriptions.map(({ room }) => room).sort(), ['shop', 'system']);
});

test('an answer that is none of the protocol is told and counts as no answer', () => {
  const play = away();
  play.answer(POLL, 200, { rooms: [{ room: 'shop' }] });
  assert.equal(play.tellings('error')[0].error.code, 'invalid_frame');
  assert.equal(play.session.state.name, 'unreachable');
});

test('what the session looks at is said on every connection', () => {
  const play = new Play();
  play.session.lookAt({ page: '/', idle: false });
  play.welcome();
  play.session.lookAt({ page: '/monitor', idle: false });
  play.drain();
  assert.deepEqual(play.sent.filter(({ type }) => type === 'presence').map(({ data }) => data.page), ['/', '/monitor']);
});

test('an expiring sign-in is told', () => {
  const play = new Play();
  play.welcome();
  const data = { expiresAt: '2026-01-31T12:01:00.000Z', secondsLeft: 60, renewable: true };
  play.receive({ type: 'session:expiring', data });
  assert.deepEqual(play.tellings('expiring'), [{ kind: 'expiring', expiring: data }]);
});
