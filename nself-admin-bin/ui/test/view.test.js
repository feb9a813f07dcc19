// The parts of the view that are plain arithmetic or text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnsi, plainText } from '../lib/ansi.js';
import { formatBytes, formatDuration, formatPercent, plural } from '../lib/view/format.js';
import { logPath, parseRoute } from '../lib/view/router.js';
import { sparklinePath } from '../lib/view/sparkline.js';
import { isAtEnd, visibleRange } from '../lib/view/virtual_list.js';

const E = '\x1b[';

test('text without colours is one span', () => {
  assert.deepEqual(parseAnsi('a <b> c'), [{ text: 'a <b> c', classes: [] }]);
});

test('colours and marks become classes and end where they are unset', () => {
  assert.deepEqual(parseAnsi(`a${E}1;31mb${E}22mc${E}39md${E}94;44me${E}mf`), [
    { text: 'a', classes: [] },
    { text: 'b', classes: ['ansi-bold', 'ansi-fg-1'] },
    { text: 'c', classes: ['ansi-fg-1'] },
    { text: 'd', classes: [] },
    { text: 'e', classes: ['ansi-fg-12', 'ansi-bg-4'] },
    { text: 'f', classes: [] },
  ]);
});

test('256 and true colours become the nearest of the sixteen', () => {
  const classOf = (codes) => parseAnsi(`${E}${codes}mx`)[0].classes[0];
  assert.equal(classOf('38;5;9'), 'ansi-fg-9');
  assert.equal(classOf('38;5;196'), 'ansi-fg-9');
  assert.equal(classOf('38;5;22'), 'ansi-fg-2');
  assert.equal(classOf('48;5;240'), 'ansi-bg-8');
  assert.equal(classOf('38;2;0;0;255'), 'ansi-fg-12');
  assert.equal(classOf('38;2;0;0;0'), 'ansi-fg-0');
});

test('what follows a long colour code still counts', () => {
  assert.deepEqual(parseAnsi(`${E}38;5;196;1mx`)[0].classes, ['ansi-bold', 'ansi-fg-9']);
  assert.deepEqual(parseAnsi(`${E}38;2;255;0;0;4mx`)[0].classes, ['ansi-underline', 'ansi-fg-9']);
});

test('plain text has no sequence left', () => {
  assert.equal(plainText(`${E}32mok${E}0m ${E}2Kdone`), 'ok done');
});

test('the rows in sight are drawn with a few around them, however many there are', () => {
  const view = { viewportHeight: 400, rowHeight: 20 };
  assert.deepEqual(visibleRange({ ...view, scrollTop: 0, count: 10_000 }), { first: 0, last: 28 });
  assert.deepEqual(visibleRange({ ...view, scrollTop: 100_010, count: 10_000 }), { first: 4_992, last: 5_029 });
  assert.deepEqual(visibleRange({ ...view, scrollTop: 199_600, count: 10_000 }), { first: 9_972, last: 10_000 });
  assert.deepEqual(visibleRange({ ...view, scrollTop: 0, count: 3 }), { first: 0, last: 3 });
  assert.deepEqual(visibleRange({ ...view, scrollTop: 0, count: 0 }), { first: 0, last: 0 });
  assert.deepEqual(visibleRange({ ...view, scrollTop: -30, count: 3 }), { first: 0, last: 3 });
  assert.deepEqual(visibleRange({ ...view, scrollTop: 9_000, count: 3 }), { first: 3, last: 3 });
});

test('the end is in sight down to a part of a row', () => {
  const view = { viewportHeight: 400, scrollHeight: 1_000, rowHeight: 20 };
  assert.ok(isAtEnd({ ...view, scrollTop: 600 }));
  assert.ok(isAtEnd({ ...view, scrollTop: 581 }));
  assert.ok(!isAtEnd({ ...view, scrollTop: 580 }));
});

test('a sparkline ends at the right edge and has a hole where there were no samples', () => {
  const scale = { width: 10, least: 1, holeMs: 5_000 };
  const at = (seconds, value) => ({ at: seconds * 1_000, value });
  assert.equal(sparklinePath([at(0, 0), at(1, 10), at(2, 5)], scale), 'M7 22.5L8 1.5L9 12.0');
  assert.equal(sparklinePath([at(0, 10), at(9, 10)], scale), 'M8 1.5M9 1.5');
  assert.equal(sparklinePath([at(0, 10), at(1, undefined), at(2, 10)], scale), 'M7 1.5M9 1.5');
  assert.equal(sparklinePath([], scale), '');
});

test('figures are short, and absent ones are a dash', () => {
  assert.deepEqual([0, 999, 1_024, 52_428_800, 432_013_312].map(formatBytes), ['0 B', '999 B', '1.0 KiB', '50.0 MiB', '412 MiB']);
  assert.equal(formatBytes(undefined), '–');
  assert.equal(formatPercent(12.345), '12.3 %');
  assert.equal(formatPercent(undefined), '–');
  assert.deepEqual([-5, 59_999, 61_000, 3_660_000, 90_000_000].map(formatDuration), ['0 s', '59 s', '1 min 1 s', '1 h 1 min', '1 d 1 h']);
  assert.equal(plural(1_204, 'line', 'lines'), '1,204 lines');
});

test('an address leads to its page and back, whatever the names', () => {
  assert.deepEqual(parseRoute('/'), { page: 'dashboard' });
  const hostile = '"><img src=x>/%';
  assert.deepEqual(parseRoute(logPath('shop', hostile)), { page: 'logs', project: 'shop', service: hostile });
  for (const path of ['/logs', '/logs/shop', '/logs/shop/web/more', '/logs/shop/%E0%A4', '/elsewhere']) {
    assert.deepEqual(parseRoute(path), { page: 'missing' }, path);
  }
});
