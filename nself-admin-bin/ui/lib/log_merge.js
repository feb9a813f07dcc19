// How lines that may be known already join those that are held. A line is known for ever by its
// container, stream, time and number; known lines are dropped, and tell where the others belong.

/** @import { LogEntry } from './stores/logs.js' */

/**
 * The identity of an entry; `undefined` for what only this page knows of.
 * @param {LogEntry} entry
 */
export function identityOf(entry) {
  switch (entry.kind) {
    case 'line':
      return `${entry.containerId} ${entry.source} ${entry.time} ${entry.n ?? 0}`;
    case 'marker':
      return `${entry.containerId} ${entry.marker} ${entry.time}`;
    default:
      return undefined;
  }
}

/**
 * Merges `incoming` (in its own order) into `held`. If `torn`, lines may be missing behind what is held:
 * what comes there without anything known before it is told apart by a `break`.
 * @param {readonly LogEntry[]} held
 * @param {readonly LogEntry[]} incoming
 * @param {boolean} torn
 * @returns {{entries: LogEntry[], added: number, torn: boolean}} `torn`: nothing has told yet
 */
export function merge(held, incoming, torn) {
  const known = index(held);
  /** @type {{before: number, entry: LogEntry}[]} */
  const added = [];
  /** @type {number | undefined} */
  let after;
  for (const entry of incoming) {
    const at = known.get(identityOf(entry) ?? '');
    if (at !== undefined) {
      torn = false;
      after = Math.max(after ?? 0, at + 1);
      continue;
    }
    after ??= placeByTime(held, entry);
    if (torn && after === held.length) {
      torn = false;
      added.push({ before: after, entry: { kind: 'break' } });
    }
    added.push({ before: after, entry });
  }
  return { entries: insert(held, added), added: added.length, torn };
}

/** @param {readonly LogEntry[]} held */
function index(held) {
  /** @type {Map<string, number>} */
  const known = new Map();
  held.forEach((entry, at) => {
    const identity = identityOf(entry);
    if (identity !== undefined) {
      known.set(identity, at);
    }
  });
  return known;
}

/**
 * Behind the last held entry that is not younger.
 * @param {readonly LogEntry[]} held
 * @param {LogEntry} entry
 */
function placeByTime(held, entry) {
  const { time } = entry;
  if (time === undefined) {
    return held.length;
  }
  return held.findLastIndex((other) => other.time !== undefined && other.time <= time) + 1;
}

/**
 * @param {readonly LogEntry[]} held
 * @param {readonly {before: number, entry: LogEntry}[]} added rising in `before`
 */
function insert(held, added) {
  const entries = [];
  let taken = 0;
  for (const { before, entry } of added) {
    while (taken < before) {
      entries.push(/** @type {LogEntry} */ (held[taken]));
      taken += 1;
    }
    entries.push(entry);
  }
  return entries.concat(held.slice(taken));
}
