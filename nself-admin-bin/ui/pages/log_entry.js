// One row of a log: a line with its time, stream, level and colours, or a divider that says what happened
// to the log here.

import { parseAnsi } from '../lib/ansi.js';
import { h } from '../lib/view/dom.js';
import { formatCount, formatTime, plural } from '../lib/view/format.js';

/** @import { LogEntry, LogLine } from '../lib/stores/logs.js' */

// More than this of one line costs the browser more than it tells the reader.
const SHOWN_CHARACTERS = 2_000;

/** @param {LogEntry} entry */
export function drawEntry(entry) {
  if (entry.kind === 'line') {
    return drawLine(entry);
  }
  return h('div', { class: 'log-marker', 'data-kind': entry.kind }, h('span', {}, markerText(entry)));
}

/** @param {LogLine} line */
function drawLine({ line, source, time, level, truncatedBytes }) {
  const shown = line.slice(0, SHOWN_CHARACTERS);
  const spans = parseAnsi(shown).map(({ text, classes }) =>
    classes.length === 0 ? text : h('span', { class: classes.join(' ') }, text),
  );
  const clock = formatTime(time);
  return h(
    'div',
    { class: 'log-line', 'data-source': source, 'data-time': time, 'data-level': level },
    h('span', { class: 'time', title: time }, clock.slice(0, 8), h('span', { class: 'ms' }, clock.slice(8))),
    h('span', { class: 'source' }, source === 'stderr' ? 'err' : 'out'),
    h('span', { class: 'level' }, level ?? ''),
    h('span', { class: 'text' }, ...spans),
    cutNote(line.length - shown.length, truncatedBytes),
  );
}

/**
 * @param {number} characters that are not shown
 * @param {number | undefined} bytes that never came
 */
function cutNote(characters, bytes) {
  const notes = [];
  if (characters > 0) {
    notes.push(`${formatCount(characters)} more characters`);
  }
  if (bytes !== undefined) {
    notes.push(`${formatCount(bytes)} bytes cut off`);
  }
  return notes.length > 0 && h('span', { class: 'cut' }, `… ${notes.join(', ')}`);
}

/** @param {Exclude<LogEntry, LogLine>} entry */
function markerText(entry) {
  switch (entry.kind) {
    case 'gap':
      return `${entry.exact ? '' : 'up to '}${plural(entry.missed, 'line', 'lines')} skipped`;
    case 'break':
      return 'The server lost its place: lines may be missing here';
    case 'marker':
      return entry.missed == null ? entry.text : `${entry.text} (${plural(entry.missed, 'line', 'lines')})`;
  }
}
