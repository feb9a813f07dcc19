// A line that a program has printed: as much of it as is worth showing, with its colours, and what is found
// in it.

import { parseAnsi, plainText } from '../lib/ansi.js';
import { h } from '../lib/view/dom.js';
import { formatCount } from '../lib/view/format.js';

// More than this of one line costs the browser more than it tells the reader.
const SHOWN_CHARACTERS = 2_000;

/**
 * The text that is shown of a line, without its colours.
 * @param {string} line
 */
export function shownText(line) {
  return plainText(line.slice(0, SHOWN_CHARACTERS));
}

/**
 * What is said of the part that is not shown.
 * @param {string} line
 * @returns {string} empty, if all is shown
 */
export function cutNote(line) {
  const more = line.length - SHOWN_CHARACTERS;
  return more > 0 ? `${formatCount(more)} more characters` : '';
}

/**
 * The line's pieces: each has one colour, and is found or not.
 * @param {string} line
 * @param {(text: string) => readonly [number, number][]} [marksOf] what is found: pairs of start and end, rising
 */
export function drawPieces(line, marksOf = () => []) {
  const pieces = parseAnsi(line.slice(0, SHOWN_CHARACTERS));
  const marks = marksOf(pieces.map(({ text }) => text).join(''));
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
 * @param {readonly [number, number][]} marks of the line
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
