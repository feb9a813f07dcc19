// The log from its events to its rows: what is kept, how doubles and losses are told apart, what is shown.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogView } from '../lib/log_view.js';
import { KEPT_ENTRIES, LogsStore } from '../lib/stores/logs.js';

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

function openLog() {
  const store = new LogsStore();
  store.open('shop', 'web');
  return store;
}

/** What a log holds, in short. */
function held(store) {
  return store.log('shop', 'web').entries.map((entry) => {
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
  assert.ok(store.log('shop', 'web').known);
  store.close('shop', 'web');
  assert.deepEqual(store.log('shop', 'web').entries, []);
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
  view.update(store.log('shop', 'web'));
  for (let from = 1; from <= 12_000; from += 500) {
    store.handle(live(...lines(from, from + 499)));
    assert.equal(view.update(store.log('shop', 'web')), false);
  }
  const { entries, dropped } = store.log('shop', 'web');
  assert.ok(entries.length >= KEPT_ENTRIES && entries.length <= KEPT_ENTRIES + 1_000, String(entries.length));
  assert.equal(entries.at(-1).line, 'line 12000');
  assert.equal(view.rows.length, entries.length);
  assert.equal(view.rows[0], entries[0]);
  assert.equal(view.first, dropped);
});

test('the search ignores case and colours, and keeps losses', () => {
  const store = openLog();
  const view = new LogView();
  store.handle(snapshot(false, line(1, { line: 'line 1 Slow \x1b[31mqu\x1b[0mery' }), line(2)));
  store.handle(gap({ type: 'logs:stream', key: 'web', missed: 3 }));
  view.filter('SLOW QUERY');
  assert.equal(view.update(store.log('shop', 'web')), true);
  assert.deepEqual(view.rows.map(({ kind }) => kind), ['line', 'gap']);
  store.handle(live(line(3), line(4, { line: 'line 4 slow query' })));
  assert.equal(view.update(store.log('shop', 'web')), false);
  assert.equal(view.rows.length, 3);
  view.filter('');
  view.update(store.log('shop', 'web'));
  assert.equal(view.rows.length, 5);
});

test('while paused the rows stand still and what would be shown is counted', () => {
  const store = openLog();
  const view = new LogView();
  store.handle(snapshot(false, ...lines(1, 3)));
  view.update(store.log('shop', 'web'));
  view.pause(store.log('shop', 'web'));
  for (let from = 4; from < 15_000; from += 1_000) {
    store.handle(live(...lines(from, from + 999)));
    view.update(store.log('shop', 'web'));
  }
  assert.deepEqual(view.rows.map(({ line: text }) => text), ['line 1', 'line 2', 'line 3']);
  assert.equal(view.waiting, 15_000);
  view.filter('line 3');
  view.update(store.log('shop', 'web'));
  assert.deepEqual(view.rows.map(({ line: text }) => text), ['line 3']);
  view.filter('');
  view.resume();
  assert.equal(view.update(store.log('shop', 'web')), true);
  assert.equal(view.rows.at(-1).line, 'line 15003');
});
