// Builds, folded from what they say.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestError } from '../lib/api.js';
import { durationOf, groupsOf, newRun, partDone, STEPS, stepsAhead, withEvent } from '../lib/build_run.js';
import { BuildActionsStore } from '../lib/stores/build_actions.js';
import { BuildProgressStore } from '../lib/stores/build_progress.js';

const START = Date.parse('2026-01-31T12:00:00.000Z');
const FILTERS = [{ types: ['build:progress'] }];
let seq = 0;

/** What a build says `ms` after its start. */
function said(buildId, currentStep, ms, more = {}) {
  seq += 1;
  const data = { buildId, step: STEPS[currentStep - 1], status: 'in-progress', progress: currentStep * 10, currentStep, totalSteps: 6, elapsedMs: ms, ...more };
  return { type: 'build:progress', seq, timestamp: new Date(START + ms).toISOString(), data };
}
const events = (...list) => ({ kind: 'events', room: 'shop', events: list, live: true });
const snapshot = (...list) => ({ kind: 'snapshot', room: 'shop', filters: FILTERS, events: list, reset: false });
const fold = (...list) => list.reduce((run, { timestamp, data }) => withEvent(run, timestamp, data), newRun('b', list[0].timestamp, list[0].data));

function opened() {
  const store = new BuildProgressStore();
  store.open('shop');
  return store;
}

test('steps tick: those before are complete, with how long they took', () => {
  const run = fold(said('b', 1, 0), said('b', 2, 400), said('b', 4, 1_000), said('b', 4, 2_000));
  assert.deepEqual(run.steps.map(({ status }) => status), ['complete', 'complete', 'complete', 'in-progress', 'pending', 'pending']);
  assert.deepEqual(run.steps.map((step) => durationOf(step, 5_000)), [400, 600, undefined, 4_000, undefined, undefined]);
  assert.deepEqual([run.progress, run.elapsedMs, run.beganAt], [40, 2_000, START]);
});

test('a run ends once, and a step that was under way ends with it', () => {
  const run = fold(said('b', 1, 0), said('b', 3, 500, { status: 'failed', error: 'no network' }), said('b', 4, 900));
  assert.deepEqual([run.status, run.ended, run.currentStep, run.error], ['failed', true, 3, 'no network']);
  assert.deepEqual([run.steps[2].status, durationOf(run.steps[2], 9_000)], ['failed', 0]);
  const complete = fold(said('b', 6, 0), said('b', 6, 700, { status: 'complete', progress: 100 }));
  assert.deepEqual([complete.status, complete.progress, durationOf(complete.steps[5], 9_000)], ['complete', 100, 700]);
});

test('output goes on from event to event, and what is no longer kept is counted', () => {
  const run = fold(said('b', 1, 0, { logsDropped: 7 }), said('b', 1, 1, { logs: ['a', 'b'] }), said('b', 2, 2, { logs: ['c'] }));
  assert.deepEqual([run.lines, run.dropped], [['a', 'b', 'c'], 7]);
  const lines = Array.from({ length: 30_000 }, (_, line) => String(line));
  const long = fold(said('b', 1, 0, { logs: lines }));
  assert.deepEqual([long.lines.length, long.lines.at(-1), long.dropped], [20_000, '29999', 10_000]);
});

test('a step has the name that was told, and before that its own', () => {
  assert.deepEqual(stepsAhead().map(({ name }) => name), STEPS);
  assert.deepEqual(stepsAhead(2).map(({ name }) => name), ['Step 1', 'Step 2']);
  assert.equal(fold(said('b', 1, 0, { step: 'Compiling', totalSteps: 2 })).steps[0].name, 'Compiling');
});

const item = (name, status = 'in-progress', bytes = {}) => ({ name, status, ...bytes });
const [ONE, TWO] = ['a1b2c3d4e5f6', '0f1e2d3c4b5a'];
const grouped = (...items) => groupsOf(items).map(({ item: { name }, parts }) => [name, parts.map((part) => part.name)]);

test('layers belong to the image before them, or to the one that is being built', () => {
  assert.deepEqual(grouped(item('redis:7'), item(ONE), item('db', 'complete'), item(TWO, 'complete')), [['redis:7', [ONE]], ['db', [TWO]]]);
  assert.deepEqual(grouped(item('web'), item('api', 'pending'), item(ONE)), [['web', [ONE]], ['api', []]]);
  assert.deepEqual(grouped(item(ONE), item('shop-web-1')), [[ONE, []], ['shop-web-1', []]]);
});

test('how much is done is known of what has bytes', () => {
  assert.equal(partDone(item('x', 'in-progress', { currentBytes: 25, totalBytes: 100 }), []), 0.25);
  assert.equal(partDone(item('x', 'complete', { totalBytes: 9 }), []), 1);
  assert.equal(partDone(item('x', 'in-progress', { currentBytes: 9, totalBytes: 0 }), []), 0);
  assert.equal(partDone(item('x', 'complete'), []), undefined, 'a container has no bytes');
  assert.equal(partDone(item('x'), [item(ONE, 'complete'), item(TWO, 'in-progress', { currentBytes: 25, totalBytes: 100 })]), 0.625);
});

test('a late watcher has the runs from their start, the newest first', () => {
  const store = opened();
  assert.equal(store.getSnapshot().known, false);
  store.handle(snapshot(said('b1', 1, 0), said('b1', 6, 900, { status: 'complete' }), said('b2', 1, 1_000, { logs: ['a'] })));
  store.handle(events(said('b2', 2, 1_500, { logs: ['b'] })));
  const { known, latest, history, isBuilding } = store.getSnapshot();
  assert.deepEqual([known, latest.buildId, latest.lines, history.map(({ buildId }) => buildId)], [true, 'b2', ['a', 'b'], ['b2', 'b1']]);
  assert.equal(isBuilding, true);
  store.handle(events(said('b2', 2, 1_600, { status: 'failed' })));
  assert.equal(store.getSnapshot().isBuilding, false);
  store.handle(snapshot(said('b3', 1, 0)));
  assert.deepEqual(store.getSnapshot().history.map(({ buildId }) => buildId), ['b3'], 'a snapshot replaces');
});

test('builds of other rooms and snapshots of other types change nothing', () => {
  const store = opened();
  store.handle(snapshot(said('b1', 1, 0)));
  const held = store.getSnapshot();
  store.handle({ ...events(said('b2', 1, 0)), room: 'other' });
  store.handle({ ...snapshot(), filters: [{ types: ['service:status'] }] });
  store.open('shop');
  assert.equal(store.getSnapshot(), held);
  store.open('other');
  assert.deepEqual([store.getSnapshot().known, store.getSnapshot().latest], [false, undefined]);
});

test('the newest 20 runs are held', () => {
  const store = opened();
  store.handle(snapshot(...Array.from({ length: 25 }, (_, at) => said(`b${at}`, 1, at))));
  const { history } = store.getSnapshot();
  assert.deepEqual([history.length, history[0].buildId, history.at(-1).buildId], [20, 'b24', 'b5']);
});

test('after a reset the runs that have ended are not looked at any more', () => {
  const store = opened();
  const all = [said('b1', 1, 0, { status: 'cancelled' }), said('b2', 1, 9)];
  store.handle(snapshot(...all));
  store.reset();
  assert.deepEqual(store.getSnapshot().history.map(({ buildId }) => buildId), ['b2']);
  store.handle(snapshot(...all));
  assert.deepEqual(store.getSnapshot().history.map(({ buildId }) => buildId), ['b2']);
});

test('a refused build leaves its reason until the next attempt', async () => {
  let answer = async () => {
    throw new RequestError('a build runs already');
  };
  const store = new BuildActionsStore({ start: () => answer(), cancel: async () => undefined });
  await store.start();
  assert.deepEqual(store.getSnapshot(), { asking: undefined, refusal: 'The build could not start: a build runs already' });
  answer = async () => ({ buildId: 'b' });
  const asking = store.start();
  assert.deepEqual(store.getSnapshot(), { asking: 'start', refusal: undefined });
  await asking;
  await store.cancel('b');
  assert.deepEqual(store.getSnapshot(), { asking: undefined, refusal: undefined });
});
