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
 * Merges `incoming` (in its own order) into `held`.
 * @param {readonly LogEntry[]} held
 * @param {readonly LogEntry[]} incoming
 * @returns {{entries: LogEntry[], added: LogEntry[], joined: Set<string>}} `joined`: the services of which
 *   something was known
 */
export function merge(held, incoming) {
  const known = index(held);
  /** @type {{before: number, entry: LogEntry}[]} */
  const placed = [];
  /** @type {Set<string>} */
  const joined = new Set();
  /** @type {number | undefined} */
  let after;
  for (const entry of incoming) {
    const at = known.get(identityOf(entry) ?? '');
    if (at !== undefined) {
      joined.add(entry.service ?? '');
      after = Math.max(after ?? 0, at + 1);
      continue;
    }
    after = after === undefined ? placeByTime(held, entry) : passOlder(held, after, entry);
    placed.push({ before: after, entry });
  }
  return { entries: insert(held, placed), added: placed.map(({ entry }) => entry), joined };
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
 * From `at` on, behind those that are not younger either: lines of several services take turns.
 * @param {readonly LogEntry[]} held
 * @param {number} at
 * @param {LogEntry} entry
 */
function passOlder(held, at, { time }) {
  for (let next = at; time !== undefined && next < held.length; next += 1) {
    const other = held[next]?.time;
    if (other !== undefined && other > time) {
      break;
    }
    at = other === undefined ? at : next + 1;
  }
  return at;
}

/**
 * @param {readonly LogEntry[]} held
 * @param {readonly {before: number, entry: LogEntry}[]} placed rising in `before`
 */
function insert(held, placed) {
  /** @type {LogEntry[]} */
  const entries = [];
  let taken = 0;
  for (const { before, entry } of placed) {
    while (taken < before) {
      entries.push(/** @type {LogEntry} */ (held[taken]));
      taken += 1;
    }
    entries.push(entry);
  }
  return entries.concat(held.slice(taken));
}
