// The log from its events to its rows: what is kept, how doubles and losses are told apart, what is shown.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogFilter } from '../lib/log_filter.js';
import { LogView } from '../lib/log_view.js';
import { RequestError } from '../lib/api.js';
import { KEPT_ENTRIES } from '../lib/held_log.js';
import { LogsStore } from '../lib/stores/logs.js';

const FILTERS = [{ types: ['logs:stream'], keys: ['web'], tail: 500 }];
const line = (number, more = {}) => ({
  kind: 'line',
  service: 'web',
  time: `2026-01-31T12:00:00.${String(number).padStart(9, '0')}Z`,
  containerId: 'c',
  source: 'stdout',
  line: `line ${number}`,
  ...more,
});
const lines = (from, to, more) => Array.from({ length: to - from + 1 }, (_, at) => line(from + at, more));
const event = (data) => ({ type: 'logs:stream', seq: 1, timestamp: 't', data });
const live = (...entries) => ({ kind: 'events', room: 'shop', events: entries.map(event), live: true });
const snapshot = (reset, ...entries) => ({
  kind: 'snapshot', room: 'shop', filters: FILTERS, events: entries.map(event), reset,
});
const gap = (...of) => ({ kind: 'gap', room: 'shop', gap: { from: 1, to: 2, missed: 9, why: 'slow', of } });

const filter = (search, level = '', source = '') => new LogFilter({ search, level, source });

function openLog() {
  const store = new LogsStore(async () => {
    throw new RequestError('the engine is away');
  });
  store.open('shop', ['web']);
  return store;
}

/** What a log holds, in short. */
function held(store) {
  return store.getSnapshot().entries.map((entry) => {
    switch (entry.kind) {
      case 'line':
        return Number(entry.line.slice(5));
      case 'gap':
        return `${entry.exact ? '' : '≤ '}${entry.missed} skipped`;
      default:
        return entry.kind;
    }
  });
}

test('only the open log of its room and service is kept', () => {
  const store = openLog();
  store.handle(snapshot(false, line(1)));
  store.handle(live(line(2), line(3, { service: 'db' })));
  store.handle({ ...live(line(4)), room: 'other' });
  assert.deepEqual(held(store), [1, 2]);
  assert.ok(store.getSnapshot().known);
  store.close();
  assert.deepEqual(store.getSnapshot().entries, []);
});

test('lines of equal time and text are one only if their number is', () => {
  const store = openLog();
  store.handle(snapshot(false, line(1), line(1, { n: 1 }), line(1, { source: 'stderr' })));
  store.handle(snapshot(true, line(1), line(1, { n: 1 }), line(1, { source: 'stderr' }), line(1, { n: 2 })));
  assert.equal(held(store).length, 4);
});

test('after a reset known lines do not come twice', () => {
  const store = openLog();
  store.handle(snapshot(false, ...lines(1, 5)));
  store.handle(snapshot(true, ...lines(3, 8)));
  assert.deepEqual(held(store), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test('after a reset with an empty snapshot the history that follows joins', () => {
  const store = openLog();
  store.handle(snapshot(false, ...lines(1, 5)));
  store.handle(snapshot(true));
  store.handle(live(...lines(2, 4, { history: 9 })));
  store.handle(live(...lines(5, 6, { history: 1 })));
  store.handle(live(line(7)));
  assert.deepEqual(held(store), [1, 2, 3, 4, 5, 6, 7]);
});

test('a reset that nothing joins is marked once, where lines may be missing', () => {
  const store = openLog();
  store.handle(snapshot(false, ...lines(1, 2)));
  store.handle(snapshot(true));
  store.handle(live(line(8)));
  store.handle(live(line(9)));
  assert.deepEqual(held(store), [1, 2, 'break', 8, 9]);
});

test('older lines of a history stand before what is held', () => {
  const store = openLog();
  store.handle(snapshot(false, ...lines(4, 5)));
  store.handle(live(...lines(2, 6, { history: 1 })));
  assert.deepEqual(held(store), [2, 3, 4, 5, 6]);
});

test('a service that never joins after a reset does not make the lines of others be merged', () => {
  const { store } = mendable(() => [], ['web', 'job']);
  store.handle(snapshot(false, line(1, { service: 'job' }), line(2)));
  store.handle(snapshot(true, line(2)));
  const { generation } = store.getSnapshot();
  store.handle(live(line(3)));
  store.handle(live(line(4)));
  assert.equal(store.getSnapshot().generation, generation);
  store.handle(live(line(8, { service: 'job' })));
  assert.deepEqual(held(store), [1, 2, 3, 4, 'break', 8]);
});

test('a gap names what this log lost, and nothing of others', () => {
  const store = openLog();
  store.handle(snapshot(false, line(1)));
  store.handle(gap({ type: 'logs:stream', key: 'web', missed: 1_204 }, { type: 'docker:stats', key: 'c', missed: 3 }));
  store.handle(gap({ type: 'logs:stream', key: 'db', missed: 7 }));
  store.handle(gap({ type: 'logs:stream', missed: 5 }));
  assert.deepEqual(held(store), [1, '1204 skipped', '≤ 5 skipped']);
});

test('the newest entries are kept, and the view follows what went from the top', () => {
  const store = openLog();
  const view = new LogView();
  store.handle(snapshot(false, line(0)));
  view.update(store.getSnapshot());
  for (let from = 1; from <= 120_000; from += 5_000) {
    store.handle(live(...lines(from, from + 4_999)));
    assert.equal(view.update(store.getSnapshot()), false);
  }
  const { entries, dropped } = store.getSnapshot();
  assert.ok(entries.length >= KEPT_ENTRIES && entries.length <= KEPT_ENTRIES + 5_000, String(entries.length));
  assert.equal(entries.at(-1).line, 'line 120000');
  assert.equal(view.rows.length, entries.length);
  assert.equal(view.rows[0], entries[0]);
  assert.equal(view.first, dropped);
});

test('the search ignores case and colours, and keeps losses', () => {
  const store = openLog();
  const view = new LogView();
  store.handle(snapshot(false, line(1, { line: 'line 1 Slow \x1b[31mqu\x1b[0mery' }), line(2)));
  store.handle(gap({ type: 'logs:stream', key: 'web', missed: 3 }));
  view.filter(filter('SLOW QUERY'));
  assert.equal(view.update(store.getSnapshot()), true);
  assert.deepEqual(view.rows.map(({ kind }) => kind), ['line', 'gap']);
  store.handle(live(line(3), line(4, { line: 'line 4 slow query' })));
  assert.equal(view.update(store.getSnapshot()), false);
  assert.equal(view.rows.length, 3);
  view.filter(filter(''));
  view.update(store.getSnapshot());
  assert.equal(view.rows.length, 5);
});

test('while paused the rows stand still and what would be shown is counted', () => {
  const store = openLog();
  const view = new LogView();
  store.handle(snapshot(false, ...lines(1, 3)));
  view.update(store.getSnapshot());
  view.pause(store.getSnapshot());
  for (let from = 4; from < 150_000; from += 10_000) {
    store.handle(live(...lines(from, from + 9_999)));
    view.update(store.getSnapshot());
  }
  assert.deepEqual(view.rows.map(({ line: text }) => text), ['line 1', 'line 2', 'line 3']);
  assert.equal(view.waiting, 150_000);
  view.filter(filter('line 3'));
  view.update(store.getSnapshot());
  assert.deepEqual(view.rows.map(({ line: text }) => text), ['line 3']);
  view.filter(filter(''));
  view.resume();
  assert.equal(view.update(store.getSnapshot()), true);
  assert.equal(view.rows.at(-1).line, 'line 150003');
});

/** A log of `services` whose history is asked of `tell`, and what was asked. */
function mendable(tell, services = ['web'], whole = true) {
  const asked = [];
  const store = new LogsStore(async (project, service, range) => {
    asked.push([project, service, range]);
    return { lines: tell(service), whole };
  });
  store.open('shop', services);
  return { store, asked };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const timeOf = (number) => line(number).time;

test('what a reset leaves out is asked of the engine, once, and takes its place', async () => {
  const { store, asked } = mendable(() => lines(2, 8));
  store.handle(snapshot(false, ...lines(1, 2)));
  store.handle(snapshot(true));
  store.handle(live(line(8)));
  assert.deepEqual(held(store), [1, 2, 'break', 8]);
  store.handle(live(line(9)));
  await turn();
  assert.deepEqual(held(store), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual(asked, [['shop', 'web', { since: timeOf(2), until: timeOf(8), tail: 10_000 }]]);
});

test('what the engine no longer has stays marked, behind what was held', async () => {
  const { store } = mendable(() => lines(6, 8));
  store.handle(snapshot(false, ...lines(1, 2)));
  store.handle(snapshot(true, ...lines(8, 9)));
  await turn();
  assert.deepEqual(held(store), [1, 2, 'break', 6, 7, 8, 9]);
  assert.equal(store.getSnapshot().entries[2].state, 'lost');
});

test('a break of which the engine gives a part stays marked, as not read', async () => {
  const { store } = mendable(() => lines(2, 5), ['web'], false);
  store.handle(snapshot(false, ...lines(1, 2)));
  store.handle(snapshot(true, ...lines(8, 9)));
  await turn();
  assert.deepEqual(held(store), [1, 2, 'break', 8, 9]);
  assert.equal(store.getSnapshot().entries[2].state, 'failed');
});

test('an engine that does not answer leaves the mark, and says so', async () => {
  const store = openLog();
  store.handle(snapshot(false, line(1)));
  store.handle(snapshot(true, line(8)));
  assert.equal(store.getSnapshot().entries[1].state, 'asking');
  await turn();
  assert.equal(store.getSnapshot().entries[1].state, 'failed');
});

test('a reset that a known line joins asks nobody', async () => {
  const { store, asked } = mendable(() => []);
  store.handle(snapshot(false, ...lines(1, 5)));
  store.handle(snapshot(true, ...lines(4, 8)));
  await turn();
  assert.deepEqual(asked, []);
});

test('of several services each is mended by itself, and the lines take turns', async () => {
  const ofService = (service, ...numbers) => numbers.map((number) => line(number, { service, containerId: service }));
  const { store, asked } = mendable((service) => ofService(service, 2, 4, 6), ['web', 'db']);
  store.handle(snapshot(false, ...ofService('web', 1, 2), ...ofService('db', 3)));
  store.handle(snapshot(true, ...ofService('db', 3, 5), ...ofService('web', 6, 7)));
  await turn();
  assert.deepEqual(asked.map(([, service]) => service), ['web']);
  assert.deepEqual(held(store), [1, 2, 3, 4, 5, 6, 7]);
});

test('the histories of several services take turns, too', () => {
  const { store } = mendable(() => [], ['web', 'db']);
  const of = (service, ...numbers) => numbers.map((number) => line(number, { service, containerId: service }));
  store.handle(snapshot(false, ...of('web', 1, 4), ...of('db', 2, 3, 5)));
  assert.deepEqual(held(store), [1, 2, 3, 4, 5]);
});

test('older lines come from the engine until there are none', async () => {
  let more = lines(1, 4);
  const { store, asked } = mendable(() => more);
  store.handle(snapshot(false, ...lines(4, 6)));
  await store.loadOlder();
  assert.deepEqual(asked[0][2], { until: timeOf(4), tail: 500 });
  assert.deepEqual(held(store), [1, 2, 3, 4, 5, 6]);
  assert.equal(store.getSnapshot().older, 'unknown');
  more = lines(1, 1);
  await store.loadOlder();
  assert.equal(store.getSnapshot().older, 'none');
});

test('lines that were let go can be loaded again', async () => {
  const { store } = mendable(() => []);
  const older = async () => {
    await store.loadOlder();
    return store.getSnapshot().older;
  };
  store.handle(snapshot(false, ...lines(1, 3)));
  assert.equal(await older(), 'none');
  store.clear();
  assert.equal(store.getSnapshot().older, 'unknown');
  assert.equal(await older(), 'none');
  store.handle(live(...lines(4, KEPT_ENTRIES + 10_000)));
  assert.equal(store.getSnapshot().older, 'unknown');
});

test('cleared lines are gone, and what comes then is counted as live', () => {
  const store = openLog();
  store.handle(snapshot(false, ...lines(1, 3)));
  store.handle(live(line(4), line(5, { history: 2 })));
  assert.equal(store.getSnapshot().live, 1);
  store.clear();
  store.handle(live(line(6)));
  assert.deepEqual(held(store), [6]);
  assert.equal(store.getSnapshot().live, 1);
});

test('a level lets graver ones through, and a stream only its own', () => {
  const warn = filter('', 'warn');
  const shown = ['debug', 'warn', 'fatal', undefined].filter((level) => warn.lets(line(1, { level })));
  assert.deepEqual(shown, ['warn', 'fatal']);
  assert.ok(!filter('', '', 'stderr').lets(line(1)));
  assert.ok(filter('', 'nonsense').lets(line(1)), 'what an address says may be anything');
});

test('a search between slashes is a regular expression, and others are only text', () => {
  assert.ok(filter('/e \\d$/').lets(line(4)));
  assert.ok(!filter('/LINE/').lets(line(4)));
  assert.ok(filter('/LINE/i').lets(line(4)));
  assert.ok(!filter('l.ne').lets(line(4)));
  assert.deepEqual([filter('/(/').isInvalid, filter('/(/').lets(line(4))], [true, true]);
});

test('what is found is marked, and nothing is marked without end', () => {
  assert.deepEqual(filter('AB').marks('xabyAb'), [[1, 3], [4, 6]]);
  assert.deepEqual(filter('/x*/').marks('axxb'), [[1, 3]]);
  assert.deepEqual(filter('').marks('abc'), []);
});
