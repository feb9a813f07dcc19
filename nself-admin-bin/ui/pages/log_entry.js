// One row of a log: a line with its time, stream, level and colours, or a divider that says what happened
// to the log here.

import { h } from '../lib/view/dom.js';
import { formatAge, formatCount, formatTime, plural } from '../lib/view/format.js';
import { rowsOf } from '../lib/view/text_columns.js';
import { cutNote, drawPieces, shownText } from './terminal_line.js';

/** @import { LogFilter } from '../lib/log_filter.js' */
/** @import { LogEntry, LogLine, Loss } from '../lib/stores/logs.js' */

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
  return rowsOf(shownText(entry.line) + noteOf(entry), columns);
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
  const note = noteOf(entry);
  const row = h(
    'div',
    { class: 'log-line', 'data-source': source, 'data-time': time, 'data-level': level },
    h('span', { class: 'time', title: time }, ...timeOf(time, look)),
    look.several && h('span', { class: 'service', title: service }, service),
    h('span', { class: 'source' }, source === 'stderr' ? 'err' : 'out'),
    h('span', { class: 'level' }, level ?? ''),
    h('span', { class: 'text' }, ...drawPieces(line, (text) => look.filter.marks(text)), note !== '' && h('span', { class: 'cut' }, note)),
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

/** @param {LogLine} entry */
function noteOf({ line, truncatedBytes }) {
  const cutOff = truncatedBytes === undefined ? '' : `${formatCount(truncatedBytes)} bytes cut off`;
  const notes = [cutNote(line), cutOff].filter((note) => note !== '');
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
