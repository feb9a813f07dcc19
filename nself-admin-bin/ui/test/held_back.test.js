// What has come and may not be told yet: between `subscribed` and `ready`, and before a gap is passed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EPOCH, LOGS, Play, STATUS, event, gap, live, ready, snapshot, subscribed } from './play.js';

/** @param {Play} play */
const told = (play) => play.told.map(({ kind }) => kind).filter((kind) => kind !== 'state');

/** @param {Play} play */
function resume(play) {
  play.close();
  play.clear();
  play.pass(1_000);
  play.open();
  return play.subscribes();
}

test('nothing is told before everything that was asked for has caught up', () => {
  const play = Play.reading([STATUS], 10);
  play.read('shop', [STATUS, LOGS]);
  const [resumed, added] = resume(play);
  play.receive(subscribed(resumed.id, 'full', 12), subscribed(added.id, 'fresh', 12));
  play.receive(live(11), ready(resumed.id, 12));
  assert.deepEqual(told(play), []);
  const [again] = resume(play);
  assert.equal(again.data.since, `${EPOCH}.10`);
});

test('what went while a snapshot was given is told after it', () => {
  const play = Play.reading([STATUS], 10);
  play.read('shop', [STATUS, LOGS]);
  const [{ id }] = play.subscribes();
  play.receive(subscribed(id, 'fresh', 19), snapshot(id, event(1)), gap(3, 17));
  play.receive(snapshot(id, event(18)), ready(id, 19));
  assert.deepEqual(told(play), ['snapshot', 'gap']);
  assert.deepEqual(play.tellings('snapshot')[0].events.map(({ seq }) => seq), [1, 18]);
});

test('a gap that reaches beyond ready is told when it is passed', () => {
  const play = Play.reading([LOGS], 10);
  const [{ id }] = resume(play);
  play.receive(subscribed(id, 'gap', 20), gap(9, 35), ready(id, 20));
  assert.deepEqual(told(play), []);
  play.receive(live(36));
  assert.deepEqual(told(play), ['gap', 'events']);
});

test('a reset in the middle of catching up owes no other ready', () => {
  const play = Play.reading([STATUS], 10);
  const [{ id }] = resume(play);
  play.receive(subscribed(id, 'full', 20), live(14));
  const { id: _, ...reset } = subscribed(0, 'reset', 2, 'epoch-two');
  play.receive(reset, { type: 'snapshot', room: 'shop', events: [event(2)] });
  play.receive({ type: 'ready', room: 'shop', data: { cursor: 'epoch-two.2' } }, live(3));
  assert.deepEqual(told(play), ['events', 'snapshot', 'events']);
  const [again] = resume(play);
  assert.equal(again.data.since, 'epoch-two.3');
});

test('a resume that was refused for its pace begins the room again, whatever else got through', () => {
  const play = Play.reading([STATUS], 10);
  play.read('shop', [STATUS, LOGS]);
  const [resumed, added] = resume(play);
  const slow = { code: 'rate_limited', message: 'slow down', retryAfterMs: 250 };
  play.receive({ type: 'error', id: resumed.id, data: slow });
  play.receive(subscribed(added.id, 'fresh', 12), snapshot(added.id), ready(added.id, 12));
  assert.deepEqual(told(play), []);
  play.clear();
  play.pass(250);
  assert.equal(play.subscribes()[0].data.since, `${EPOCH}.10`);
});

test('a room that is read by another connection is not taken back', () => {
  const play = Play.reading([STATUS], 10);
  play.clear();
  play.receive({ type: 'unsubscribed', room: 'shop', data: { reason: 'superseded' } });
  assert.deepEqual(play.subscribes(), []);
  assert.deepEqual(play.tellings('error').map(({ error }) => error.code), ['conflict']);
});

test('what was asked for in a room that closed does not stand for the room that opens', () => {
  const play = Play.reading([STATUS], 10);
  play.read('system', [{ types: ['room:status'] }]);
  const [system] = play.subscribes();
  const inSystem = (frame) => ({ ...frame, room: 'system' });
  play.receive(inSystem(subscribed(system.id, 'fresh', 0)), inSystem(ready(system.id, 0)));
  play.clear();
  play.read('shop', [STATUS, LOGS]);
  const [added] = play.subscribes();
  play.clear();
  play.receive({ type: 'unsubscribed', room: 'shop', data: { reason: 'closed' } });
  const again = play.subscribes();
  assert.deepEqual(again.map(({ data }) => data.since), [`${EPOCH}.10`, undefined], 'it may be open already');
  play.receive({ type: 'error', id: again[0].id, data: { code: 'unknown_room', message: 'no such room' } });
  assert.deepEqual(play.tellings('closed'), [{ kind: 'closed', room: 'shop' }]);
  play.receive(subscribed(added.id, 'fresh', 0, 'epoch-two'), ready(added.id, 0, 'epoch-two'));
  play.clear();
  play.receive({
    type: 'room:status', room: 'system', seq: 1, timestamp: '2026-01-31T12:00:00.000Z', data: { room: 'shop', state: 'open' },
  });
  assert.deepEqual(play.subscribes().map(({ data }) => data.since), [`${EPOCH}.10`, undefined]);
});
