// How many rows a text takes when it is broken at every column, in a font of one width. Wide characters
// take two columns, tabs go on to the next eighth.

const TAB = 8;
const PLAIN = /^[\x20-\x7e]*$/;
const WIDE = /^[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]$/u;

/**
 * @param {string} text
 * @param {number} columns
 */
export function rowsOf(text, columns) {
  if (PLAIN.test(text)) {
    return Math.max(1, Math.ceil(text.length / columns));
  }
  let rows = 1;
  let column = 0;
  for (const character of text) {
    const width = character === '\t' ? TAB - (column % TAB) : WIDE.test(character) ? 2 : 1;
    if (column + width > columns) {
      rows += 1;
      column = character === '\t' ? 0 : width;
    } else {
      column += width;
    }
  }
  return rows;
}
