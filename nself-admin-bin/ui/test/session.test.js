// The session against a server that is played by hand, under a clock that jumps to the next deadline.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EPOCH, LOGS, Play, STATUS, WELCOME, event, gap, live, ready, snapshot, subscribed } from './play.js';

test('a connection is live at welcome, not at open', () => {
  const play = new Play();
  play.open();
  assert.equal(play.session.state.name, 'connecting');
  play.receive(WELCOME);
  assert.equal(play.session.state.name, 'live');
});

test('hello and all rooms are sent at open, without waiting for welcome', () => {
  const play = new Play({ session: 's0', secret: 'x0' });
  play.read('shop', [STATUS]);
  play.open();
  assert.deepEqual(play.sent.map(({ type }) => type), ['hello', 'subscribe']);
  assert.deepEqual(play.sent[0].data, { session: 's0', secret: 'x0' });
});

test('the identity of the welcome is told and used for the next hello', () => {
  const play = new Play();
  play.welcome();
  assert.deepEqual(play.tellings('welcome')[0].identity, { session: 's1', secret: 'x1' });
  play.close();
  play.pass(1_000);
  play.clear();
  play.open();
  assert.deepEqual(play.sent[0], { type: 'hello', data: { session: 's1', secret: 'x1' } });
});

test('a loss is reconnecting at once, unreachable after 5 s, and attempts go on', () => {
  const play = new Play();
  play.welcome();
  play.close();
  assert.deepEqual(play.session.state, { name: 'reconnecting', attempt: 1, nextAttemptAt: 1_000 });
  play.pass(1_000);
  assert.equal(play.connects, 2);
  play.close();
  assert.deepEqual(play.session.state, { name: 'reconnecting', attempt: 2, nextAttemptAt: 3_000 });
  play.pass(2_000);
  play.close();
  play.pass(2_000);
  assert.deepEqual(play.session.state, { name: 'unreachable', attempt: 3, nextAttemptAt: 7_000 });
  play.pass(2_000);
  assert.equal(play.connects, 4);
  assert.equal(play.session.state.name, 'unreachable');
  play.welcome();
  assert.equal(play.session.state.name, 'live');
});

test('a server that cannot be reached at first is unreachable 5 s after the start', () => {
  const play = new Play();
  play.close();
  play.pass(4_999);
  assert.notEqual(play.session.state.name, 'unreachable');
  play.pass(1);
  assert.equal(play.session.state.name, 'unreachable');
});

test('an attempt without a welcome for 5 s is given up', () => {
  const play = new Play();
  play.open();
  play.pass(5_000);
  assert.equal(play.disconnects, 1);
  play.pass(1_000);
  assert.equal(play.connects, 2);
});

test('the backoff begins anew after 10 s of health, not before', () => {
  const play = new Play();
  const lossAfter = (ms) => {
    play.welcome();
    play.pass(ms);
    play.close();
    const wait = play.session.pollTimeout() - play.now;
    play.pass(wait);
    return wait;
  };
  assert.equal(lossAfter(9_999), 1_000);
  assert.equal(lossAfter(9_999), 2_000);
  assert.equal(lossAfter(10_000), 1_000);
});

test('no server keeps a page away for more than an hour', () => {
  const play = new Play();
  play.welcome();
  play.receive({ type: 'closing', data: { code: 1012, reason: 'restart', retryAfterMs: 1e19 } });
  play.close(1012);
  assert.equal(play.session.state.nextAttemptAt, 3_600_000);
});

test('what closing says of the wait takes precedence, and waking keeps to it', () => {
  const play = new Play();
  play.welcome();
  play.receive({ type: 'closing', data: { code: 1012, reason: 'restart', retryAfterMs: 300 } });
  play.close(1012);
  assert.equal(play.session.state.nextAttemptAt, 300);
  play.session.handleWake(play.now);
  play.drain();
  assert.equal(play.connects, 1);
  play.pass(300);
  assert.equal(play.connects, 2);
  play.close();
  assert.equal(play.session.state.nextAttemptAt, 300 + 1_000, 'it holds for one loss');
});

test('waking does not wait for the backoff', () => {
  const play = new Play();
  play.close();
  play.session.handleWake(play.now);
  play.drain();
  assert.equal(play.connects, 2);
});

test('waking doubts a live connection, and an answer saves it', () => {
  const play = new Play();
  play.welcome();
  play.pass(20_000);
  play.session.handleWake(play.now);
  play.pass(4_000);
  play.receive({ type: 'heartbeat' });
  play.pass(4_000);
  assert.equal(play.session.state.name, 'live');
  play.session.handleWake(play.now);
  play.pass(5_000);
  assert.equal(play.session.state.name, 'reconnecting');
});

test('a heartbeat is answered', () => {
  const play = new Play();
  play.welcome();
  play.clear();
  play.receive({ type: 'heartbeat' });
  assert.deepEqual(play.sent, [{ type: 'pong' }]);
});

test('any frame proves that the connection lives', () => {
  const play = new Play();
  play.welcome();
  play.pass(30_000);
  play.receive({ type: 'heartbeat' });
  play.pass(30_000);
  assert.equal(play.session.state.name, 'live');
});

test('a connection that says nothing for both heartbeat times is dead', () => {
  const play = new Play();
  play.welcome();
  play.pass(39_999);
  assert.equal(play.session.state.name, 'live');
  play.pass(1);
  assert.equal(play.session.state.name, 'reconnecting');
  assert.equal(play.disconnects, 1);
});

test('a terminal close is final and says why', () => {
  for (const code of [1000, 1009, 4500, 4501, 4503]) {
    const play = new Play();
    play.welcome();
    play.close(code, 'told why');
    play.session.handleWake(play.now);
    play.pass(100_000);
    const name = code === 4501 ? 'signedOut' : 'closed';
    assert.deepEqual(play.session.state, { name, reason: 'told why' });
    assert.equal(play.connects, 1);
  }
});

test('a snapshot is told whole at ready, with what it covers', () => {
  const play = new Play();
  play.read('shop', [STATUS]);
  play.welcome();
  const { id } = play.subscribes()[0];
  play.receive(subscribed(id, 'fresh', 2), snapshot(id, event(1)), snapshot(id, event(2)));
  assert.deepEqual(play.tellings('snapshot'), []);
  play.receive(ready(id, 2));
  assert.deepEqual(play.tellings('snapshot'), [
    { kind: 'snapshot', room: 'shop', filters: [STATUS], events: [event(1), event(2)], reset: false },
  ]);
});

test('a resume continues after the last live event', () => {
  const play = Play.reading([STATUS], 10);
  play.receive(live(11), { type: 'batch', room: 'shop', events: [event(12), event(15)] });
  play.close();
  play.pass(1_000);
  play.open();
  assert.equal(play.subscribes()[0].data.since, `${EPOCH}.15`);
});

test('until ready the former cursor holds and nothing is told twice', () => {
  const play = Play.reading([STATUS], 10);
  play.close();
  play.pass(1_000);
  play.open();
  let [{ id }] = play.subscribes();
  play.receive(WELCOME, subscribed(id, 'full', 20), live(14), live(20));
  play.close();
  assert.deepEqual(play.tellings('events'), []);
  play.clear();
  play.pass(2_000);
  play.open();
  [{ id }] = play.subscribes();
  assert.equal(play.subscribes()[0].data.since, `${EPOCH}.10`);
  play.receive(subscribed(id, 'full', 20), live(14), live(20), ready(id, 25));
  assert.deepEqual(play.tellings('events').map(({ events }) => events[0].seq), [14, 20]);
  assert.ok(play.tellings('events').every((told) => !told.live));
  play.close();
  play.clear();
  play.pass(2_000);
  play.open();
  assert.equal(play.subscribes()[0].data.since, `${EPOCH}.25`);
});

test('a cursor frame moves the cursor of a narrow reader', () => {
  const play = Play.reading([STATUS], 10);
  play.receive({ type: 'cursor', room: 'shop', data: { cursor: `${EPOCH}.9000` } });
  play.close();
  play.pass(1_000);
  play.open();
  assert.equal(play.subscribes()[0].data.since, `${EPOCH}.9000`);
});

test('after a reset the snapshot replaces and the new epoch counts', () => {
  const play = Play.reading([STATUS], 10);
  play.close();
  play.pass(1_000);
  play.open();
  const [{ id }] = play.subscribes();
  play.receive(subscribed(id, 'reset', 3, 'epoch-two'), snapshot(id, event(3)), ready(id, 3, 'epoch-two'));
  assert.deepEqual(play.tellings('snapshot').map(({ reset }) => reset), [true]);
  play.receive(live(4));
  play.close();
  play.clear();
  play.pass(2_000);
  play.open();
  assert.equal(play.subscribes()[0].data.since, 'epoch-two.4');
});

test('a reset without id replaces everything that is read of the room', () => {
  const play = Play.reading([STATUS, LOGS], 10);
  const { id: _, ...lost } = subscribed(0, 'reset', 1, 'epoch-two');
  play.receive(lost, { type: 'snapshot', room: 'shop', events: [event(1)] });
  play.receive({ type: 'ready', room: 'shop', data: { cursor: 'epoch-two.1' } });
  assert.deepEqual(play.tellings('snapshot')[0].filters, [STATUS, LOGS]);
});

test('a gap is told with the event after it, once', () => {
  const play = Play.reading([LOGS], 10);
  play.receive(gap(1_204));
  assert.deepEqual(play.tellings('gap'), []);
  play.receive(live(20));
  assert.deepEqual(play.told.map(({ kind }) => kind), ['gap', 'events']);
  assert.equal(play.told[0].gap.missed, 1_204);

  play.clear();
  play.receive(gap(5, 25));
  play.close();
  play.pass(1_000);
  play.open();
  const [{ id }] = play.subscribes();
  play.receive(subscribed(id, 'gap', 30), gap(7, 29), live(30), ready(id, 30), live(31));
  assert.deepEqual(play.tellings('gap').map((told) => told.gap.missed), [7]);
});

test('until a gap is passed the cursor stays before it, and a resume is told it whole', () => {
  const wide = { ...gap(12), data: { ...gap(12).data, from: 11, to: 25 } };
  const play = Play.reading([LOGS], 10);
  const told = () => play.told.map(({ kind }) => kind).filter((kind) => kind !== 'state');
  play.receive(wide, live(20));
  assert.deepEqual(told(), []);
  play.close();
  play.pass(1_000);
  play.open();
  const [{ id, data }] = play.subscribes();
  assert.equal(data.since, `${EPOCH}.10`);
  play.receive(subscribed(id, 'gap', 30), wide, live(20), live(30), ready(id, 30));
  assert.deepEqual(told(), ['gap', 'events', 'events']);

  play.clear();
  play.receive({ ...wide, data: { ...wide.data, from: 31, to: 45 } }, live(40));
  assert.deepEqual(told(), []);
  play.receive(live(46));
  assert.deepEqual(told(), ['gap', 'events', 'events']);
});

test('an added filter is asked for without cursor, and its snapshot covers it alone', () => {
  const play = Play.reading([STATUS], 10);
  play.read('shop', [STATUS, LOGS]);
  const [{ id, data }] = play.subscribes();
  assert.deepEqual(data, { filters: [LOGS] });
  play.receive(subscribed(id, 'fresh', 12), snapshot(id), ready(id, 12));
  assert.deepEqual(play.tellings('snapshot')[0].filters, [LOGS]);
});

test('a filter that was cut off before ready is asked for afresh beside the resume', () => {
  const play = Play.reading([STATUS], 10);
  play.read('shop', [STATUS, LOGS]);
  play.close();
  play.clear();
  play.pass(1_000);
  play.open();
  assert.deepEqual(play.subscribes().map(({ data }) => data), [
    { filters: [STATUS], since: `${EPOCH}.10` },
    { filters: [LOGS] },
  ]);
});

test('a changed wish adds before it removes, and the last one ends the room', () => {
  const play = Play.reading([STATUS], 10);
  play.read('shop', [LOGS]);
  assert.deepEqual(play.sent.map(({ type }) => type), ['subscribe', 'unsubscribe']);
  assert.deepEqual(play.sent[1].data, { types: ['service:status'] });
  play.clear();
  play.read('shop', []);
  assert.deepEqual(play.sent.map(({ type, data }) => [type, data]), [['unsubscribe', undefined]]);
  play.clear();
  play.receive(live(11));
  assert.deepEqual(play.told, []);
});

test('an unknown room stays a wish until system tells that it is open', () => {
  const play = new Play();
  play.read('system', [{ types: ['room:status'] }]);
  play.read('shop', [STATUS]);
  play.welcome();
  const [system, shop] = play.subscribes();
  play.receive({ type: 'error', id: shop.id, data: { code: 'unknown_room', message: 'no such room' } });
  assert.deepEqual(play.tellings('error'), []);
  const inSystem = (frame) => ({ ...frame, room: 'system' });
  play.receive(inSystem(subscribed(system.id, 'fresh', 0)), inSystem(ready(system.id, 0)));
  play.clear();
  play.receive({
    type: 'room:status', room: 'system', seq: 1, timestamp: '2026-01-31T12:00:00.000Z', data: { room: 'shop', state: 'open' },
  });
  assert.deepEqual(play.subscribes().map(({ room }) => room), ['shop']);
});

test('a rate-limited subscribe is sent again after the wait, the room goes on meanwhile', () => {
  const play = Play.reading([STATUS], 10);
  play.read('shop', [STATUS, LOGS]);
  const [{ id }] = play.subscribes();
  play.receive({ type: 'error', id, data: { code: 'rate_limited', message: 'slow down', retryAfterMs: 250 } });
  play.receive(live(11));
  assert.equal(play.tellings('events').length, 1);
  play.clear();
  play.pass(250);
  assert.deepEqual(play.subscribes().map(({ data }) => data), [{ filters: [LOGS] }]);
});

test('a broken frame is told and the connection lives', () => {
  const play = Play.reading();
  play.session.handleMessage('{oops', play.now);
  play.drain();
  assert.equal(play.tellings('error')[0].error.code, 'invalid_frame');
  assert.equal(play.session.state.name, 'live');
});

test('a pong tells the server time and the round trip of its own ping', () => {
  const play = new Play();
  play.welcome();
  const { id } = play.sent.find(({ type }) => type === 'ping');
  play.now += 8;
  play.receive({ type: 'pong', id, data: { serverTime: '2026-01-31T12:00:00.004Z' } }, { type: 'pong', id: 999 });
  assert.deepEqual(play.tellings('pong'), [
    { kind: 'pong', serverTime: '2026-01-31T12:00:00.004Z', roundTripMs: 8 },
  ]);
});
