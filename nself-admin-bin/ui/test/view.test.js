// The parts of the view that are plain arithmetic or text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAnsi, plainText } from '../lib/ansi.js';
import { nearest, niceTop, piecesOf } from '../lib/view/chart.js';
import { formatAge, formatBytes, formatDuration, formatPercent, plural } from '../lib/view/format.js';
import { logPath, parseRoute, pathAfterSignIn, signInPath } from '../lib/view/router.js';
import { whyNot } from '../lib/view/rights.js';
import { sparklinePath } from '../lib/view/sparkline.js';
import { rowsOf } from '../lib/view/text_columns.js';
import { StayAtEnd, isAtEnd } from '../lib/view/stay_at_end.js';
import { Rows } from '../lib/view/virtual_list.js';

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

/** As many rows, each `lines` high. */
function rows(count, lines = 1) {
  const made = new Rows();
  for (let row = 0; row < count; row += 1) {
    made.push(lines);
  }
  return made;
}

test('the rows in sight are drawn with a few around them, however many there are', () => {
  const view = { viewportHeight: 400, lineHeight: 20 };
  assert.deepEqual(rows(10_000).visible({ ...view, scrollTop: 0 }), { first: 0, last: 28 });
  assert.deepEqual(rows(10_000).visible({ ...view, scrollTop: 100_010 }), { first: 4_992, last: 5_029 });
  assert.deepEqual(rows(10_000).visible({ ...view, scrollTop: 199_600 }), { first: 9_972, last: 10_000 });
  assert.deepEqual(rows(3).visible({ ...view, scrollTop: 0 }), { first: 0, last: 3 });
  assert.deepEqual(rows(0).visible({ ...view, scrollTop: 0 }), { first: 0, last: 0 });
  assert.deepEqual(rows(3).visible({ ...view, scrollTop: -30 }), { first: 0, last: 3 });
  assert.deepEqual(rows(3).visible({ ...view, scrollTop: 9_000 }), { first: 0, last: 3 });
});

test('rows of several lines lie where they begin, also when others went from the top', () => {
  const made = new Rows();
  [1, 3, 2].forEach((lines) => made.push(lines));
  assert.deepEqual([made.lines, made.topOf(1), made.topOf(2)], [6, 1, 4]);
  assert.deepEqual([0, 1, 3, 4, 5].map((line) => made.at(line)), [0, 1, 1, 2, 2]);
  made.shift(1);
  made.push(4);
  assert.deepEqual([made.count, made.lines, made.topOf(1), made.topOf(2)], [3, 9, 3, 5]);
  assert.deepEqual([0, 2, 3, 5].map((line) => made.at(line)), [0, 0, 1, 2]);
  made.shift(9);
  assert.deepEqual([made.count, made.lines], [0, 0]);
});

test('a text takes as many rows as its columns need', () => {
  assert.deepEqual(['', 'a'.repeat(10), 'a'.repeat(11), '\tab', '世界世界世界', 'ä'.repeat(10)].map((text) => rowsOf(text, 10)),
    [1, 1, 2, 1, 2, 1]);
});

test('the end is in sight down to a part of a row', () => {
  const at = (scrollTop) => isAtEnd({ clientHeight: 400, scrollHeight: 1_000, scrollTop }, 20);
  assert.deepEqual([600, 581, 580].map(at), [true, true, false]);
});

/** A viewport as browsers have them: nothing is below its end. */
class Viewport {
  #top = 0;
  clientHeight = 400;
  scrollHeight = 1_000;

  get scrollTop() {
    return this.#top;
  }

  set scrollTop(top) {
    this.#top = Math.min(top, this.scrollHeight - this.clientHeight);
  }
}

test('the end stays in sight until the reader scrolls up, and again once the end is back', () => {
  const viewport = new Viewport();
  const end = new StayAtEnd(viewport, 20);
  const grows = (by, above = 0) => {
    end.notice();
    viewport.scrollHeight += by;
    end.scroll(above);
    return viewport.scrollTop;
  };
  assert.equal(grows(0), 600);
  assert.equal(grows(500), 1_100);
  viewport.scrollHeight += 300;
  assert.equal(grows(0), 1_400, 'rows that came since are no scrolling of the reader');
  viewport.scrollTop = 700;
  assert.equal(grows(500), 700);
  assert.equal(end.stays, false);
  assert.equal(grows(0, -40), 660, 'what went from above moves the view with the rows');
  viewport.scrollTop = 10_000;
  assert.equal(grows(500), 2_400);
  viewport.scrollTop = 100;
  end.notice();
  end.resume();
  end.scroll(0);
  assert.equal(viewport.scrollTop, 2_400);
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
  assert.deepEqual([-5, 999, 1_000, 61_000, 7_200_000].map(formatAge), ['now', 'now', '1 s ago', '1 min ago', '2 h ago']);
  assert.equal(plural(1_204, 'line', 'lines'), '1,204 lines');
});

test('an address leads to its page and back, whatever the names', () => {
  assert.deepEqual(parseRoute('/'), { page: 'dashboard' });
  const hostile = '"><img src=x>/%';
  assert.deepEqual(parseRoute(logPath('shop', hostile)), { page: 'logs', project: 'shop', services: [hostile] });
  assert.deepEqual(parseRoute(logPath('shop', 'a,b', 'c')), { page: 'logs', project: 'shop', services: ['a,b', 'c'] });
  for (const page of ['build', 'monitor', 'sign-in']) {
    assert.deepEqual([parseRoute(`/${page}`), parseRoute(`/${page}/`)], [{ page }, { page }]);
  }
  for (const path of ['/logs', '/logs/shop/,', '/logs/shop', '/logs/shop/web/more', '/logs/shop/%E0%A4', '/elsewhere']) {
    assert.deepEqual(parseRoute(path), { page: 'missing' }, path);
  }
});

test('a chart has a hole where there were no samples', () => {
  const frame = { from: 0, to: 10_000, width: 100, height: 50, top: 100, holeMs: 5_000 };
  const at = (ms, value) => ({ at: ms, value });
  assert.deepEqual(piecesOf([at(0, 0), at(1_000, 50), at(7_000, 100), at(8_000, undefined), at(9_000, 200)], frame), [
    [[0, 50], [10, 25]],
    [[70, 0]],
    [[90, 0]],
  ]);
  assert.deepEqual(piecesOf([at(-20_000, 1), at(11_000, 1)], frame), []);
});

test('the upper edge of a chart is a round number', () => {
  assert.deepEqual([0.3, 1, 1.2, 7, 45, 130].map((value) => niceTop(value, false)), [0.5, 1, 2, 10, 50, 200]);
  assert.deepEqual([900, 1_500, 3 * 1_048_576].map((value) => niceTop(value, true)), [1_024, 2_048, 5 * 1_048_576]);
});

test('what is pointed at is the nearest sample, if one is near', () => {
  const samples = [{ at: 0, value: 1 }, { at: 1_000, value: 2 }, { at: 20_000, value: 3 }];
  assert.equal(nearest(samples, 700, 5_000)?.value, 2);
  assert.equal(nearest(samples, 10_000, 5_000), undefined);
});

test('a sign-in leads back to a page of ours, and nowhere else', () => {
  const origin = 'https://admin.example';
  const after = (path) => pathAfterSignIn(path, origin);
  const back = new URL(signInPath('/logs/shop/web?q=a b&wrap=1'), origin).searchParams.get('to');
  assert.equal(after(back), '/logs/shop/web?q=a%20b&wrap=1');
  for (const elsewhere of ['', '//foreign.example/build', 'https://foreign.example/', 'javascript:alert(1)', '/\\foreign.example', '/sign-in?to=/', '/no-page', 'http://[']) {
    assert.equal(after(elsewhere), '/', elsewhere);
  }
});

test('a notification leads to a page', () => {
  // As the server writes them; its own test has the same names.
  const [project, service] = ['shop_2', 'a/b,c?d#e%f é'];
  const href = '/logs/shop_2/a%2Fb%2Cc%3Fd%23e%25f%20%C3%A9';
  assert.equal(href, logPath(project, service));
  assert.deepEqual(parseRoute(href), { page: 'logs', project, services: [service] });
  const build = new URL('/build?run=build-1%26x%3D2', 'https://admin.example');
  assert.deepEqual([parseRoute(build.pathname), build.searchParams.get('run')], [{ page: 'build' }, 'build-1&x=2']);
});

test('who may not act is told why', () => {
  assert.equal(whyNot({ role: 'operator', readOnly: false }), undefined);
  assert.match(whyNot({ role: 'admin', readOnly: true }), /--read-only/);
  assert.match(whyNot({ role: 'viewer', readOnly: false }), /viewer/);
  assert.equal(whyNot(undefined), undefined);
});
