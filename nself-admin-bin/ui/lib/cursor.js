// A cursor is a position in a room's log, `<epoch>.<seq>` on the wire. Positions of two epochs cannot
// be compared: a new epoch is a new log.

/** @typedef {{epoch: string, seq: number}} Cursor */

const FORM = /^([A-Za-z0-9_-]{8,22})\.(\d{1,16})$/;

/**
 * Reads a cursor; `undefined` if the text is none.
 * @param {string} text
 * @returns {Cursor | undefined}
 */
export function parseCursor(text) {
  const [, epoch, digits] = FORM.exec(text) ?? [];
  if (epoch === undefined || digits === undefined) {
    return undefined;
  }
  const seq = Number(digits);
  return Number.isSafeInteger(seq) ? { epoch, seq } : undefined;
}

/**
 * Writes a cursor as it stands on the wire.
 * @param {Cursor} cursor
 */
export function formatCursor({ epoch, seq }) {
  return `${epoch}.${seq}`;
}

/**
 * The higher of two cursors of one epoch; `told`, if it begins another one.
 * @param {Cursor | undefined} held
 * @param {Cursor} told
 * @returns {Cursor}
 */
export function later(held, told) {
  return held !== undefined && held.epoch === told.epoch && held.seq > told.seq ? held : told;
}
