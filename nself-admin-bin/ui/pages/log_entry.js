// One row of a log: a line with its time, stream, level and colours, or a divider that says what happened
// to the log here.

import { parseAnsi, plainText } from '../lib/ansi.js';
import { h } from '../lib/view/dom.js';
import { formatAge, formatCount, formatTime, plural } from '../lib/view/format.js';
import { rowsOf } from '../lib/view/text_columns.js';

/** @import { LogFilter } from '../lib/log_filter.js' */
/** @import { LogEntry, LogLine, Loss } from '../lib/stores/logs.js' */

// More than this of one line costs the browser more than it tells the reader.
const SHOWN_CHARACTERS = 2_000;

/**
 * How rows look: `columns` of text if lines are wrapped.
 * @typedef {{time: string, filter: LogFilter, several: boolean, columns: number | undefined, now: number}} Look
 */

/**
 * How many lines high a row is.
 * @param {LogEntry} entry
 * @param {Look} look
 */
export function heightOf(entry, { columns }) {
  if (columns === undefined || entry.kind !== 'line') {
    return 1;
  }
  return rowsOf(plainText(entry.line.slice(0, SHOWN_CHARACTERS)) + cutNote(entry), columns);
}

/**
 * @param {LogEntry} entry
 * @param {Look} look
 */
export function drawEntry(entry, look) {
  if (entry.kind === 'line') {
    return drawLine(entry, look);
  }
  return h('div', { class: 'log-marker', 'data-kind': entry.kind }, h('span', {}, markerText(entry, look.several)));
}

/**
 * @param {LogLine} entry
 * @param {Look} look
 */
function drawLine(entry, look) {
  const { line, source, time, level, service } = entry;
  const note = cutNote(entry);
  const row = h(
    'div',
    { class: 'log-line', 'data-source': source, 'data-time': time, 'data-level': level },
    h('span', { class: 'time', title: time }, ...timeOf(time, look)),
    look.several && h('span', { class: 'service', title: service }, service),
    h('span', { class: 'source' }, source === 'stderr' ? 'err' : 'out'),
    h('span', { class: 'level' }, level ?? ''),
    h('span', { class: 'text' }, ...spansOf(line.slice(0, SHOWN_CHARACTERS), look.filter), note !== '' && h('span', { class: 'cut' }, note)),
  );
  if (look.columns !== undefined) {
    row.style.setProperty('--lines', String(heightOf(entry, look)));
  }
  return row;
}

/**
 * @param {string} time
 * @param {Look} look
 */
function timeOf(time, look) {
  if (look.time === 'relative') {
    return [formatAge(look.now - Date.parse(time))];
  }
  const clock = look.time === 'utc' ? `${time.slice(11, 19)}.${time.slice(20, 23).padEnd(3, '0')}` : formatTime(time);
  return [clock.slice(0, 8), h('span', { class: 'ms' }, clock.slice(8))];
}

/**
 * The line's pieces: each has one colour, and is found or not.
 * @param {string} line
 * @param {LogFilter} filter
 */
function spansOf(line, filter) {
  const pieces = parseAnsi(line);
  const marks = filter.marks(pieces.map(({ text }) => text).join(''));
  const drawn = [];
  let at = 0;
  for (const { text, classes } of pieces) {
    for (const { part, found } of cutAt(text, at, marks)) {
      const name = classes.join(' ');
      drawn.push(found ? h('mark', { class: name || undefined }, part) : name === '' ? part : h('span', { class: name }, part));
    }
    at += text.length;
  }
  return drawn;
}

/**
 * @param {string} text
 * @param {number} start where it begins in the line
 * @param {readonly [number, number][]} marks of the line, rising
 */
function cutAt(text, start, marks) {
  const parts = [];
  let done = 0;
  for (const [from, to] of marks) {
    const begin = Math.max(from - start, done);
    const end = Math.min(to - start, text.length);
    if (begin < end) {
      parts.push({ part: text.slice(done, begin), found: false }, { part: text.slice(begin, end), found: true });
      done = end;
    }
  }
  parts.push({ part: text.slice(done), found: false });
  return parts.filter(({ part }) => part !== '');
}

/** @param {LogLine} line */
function cutNote({ line, truncatedBytes }) {
  const notes = [];
  if (line.length > SHOWN_CHARACTERS) {
    notes.push(`${formatCount(line.length - SHOWN_CHARACTERS)} more characters`);
  }
  if (truncatedBytes !== undefined) {
    notes.push(`${formatCount(truncatedBytes)} bytes cut off`);
  }
  return notes.length > 0 ? ` … ${notes.join(', ')}` : '';
}

/** @type {Record<Extract<Loss, {kind: 'break'}>['state'], string>} */
const BREAKS = {
  asking: 'The server lost its place: asking the engine for what lies between…',
  lost: 'Lines are missing here: the engine no longer has them',
  failed: 'The server lost its place, and the engine could not be asked: lines may be missing here',
};

/**
 * @param {Exclude<LogEntry, LogLine>} entry
 * @param {boolean} several
 */
function markerText(entry, several) {
  const whose = several && entry.service !== undefined ? `${entry.service}: ` : '';
  switch (entry.kind) {
    case 'gap':
      return `${whose}${entry.exact ? '' : 'up to '}${plural(entry.missed, 'line', 'lines')} skipped`;
    case 'break':
      return whose + BREAKS[entry.state];
    case 'marker':
      return whose + (entry.missed == null ? entry.text : `${entry.text} (${plural(entry.missed, 'line', 'lines')})`);
  }
}
