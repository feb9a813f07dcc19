// The entries of one open log. After a reset each service is torn until a line that is held comes again;
// if another one comes first, a break marks the place until the engine has told what lies between.

import { identityOf, merge } from './log_merge.js';

/** @import { Event } from './frames.js' */
/** @import { SessionEvent } from './session.js' */
/** @import { Log, LogEntry, LogLine, Loss } from './stores/logs.js' */

const TYPE = 'logs:stream';
export const KEPT_ENTRIES = 100_000;
// Old entries go many at a time: moving the array for each one would cost more than it frees.
const SLACK = 5_000;

/**
 * What of a service may be missing: from its last line before a reset to its first one after.
 * @typedef {{service: string, since: string, last: string, until: string,
 *   mark: Extract<Loss, {kind: 'break'}>}} Tear `last`: the identity of the line at `since`
 */

export class HeldLog {
  /** @type {Log['older']} */
  older = 'unknown';
  /** @type {LogEntry[]} */
  #entries = [];
  #known = false;
  #generation = 0;
  #dropped = 0;
  #live = 0;
  /** @type {Map<string, LogLine>} of each torn service: its last line */
  #torn = new Map();
  /** @type {Tear[]} that nobody was asked about yet */
  #tears = [];

  /**
   * @param {string} room
   * @param {readonly string[]} services
   */
  constructor(room, services) {
    this.room = room;
    this.services = services;
  }

  /** @returns {Log} */
  snapshot() {
    return {
      known: this.#known,
      generation: this.#generation,
      dropped: this.#dropped,
      entries: this.#entries,
      live: this.#live,
      older: this.older,
    };
  }

  clear() {
    this.#replace([]);
    this.#missesOlder();
    this.#live = 0;
    this.#torn.clear();
  }

  /**
   * @param {SessionEvent} event
   * @returns {boolean} whether it changed anything
   */
  handle(event) {
    if (!('room' in event) || event.room !== this.room) {
      return false;
    }
    switch (event.kind) {
      case 'snapshot':
        return this.#handleSnapshot(this.#entriesOf(event.events), event.reset);
      case 'events':
        return this.#handleTold(this.#entriesOf(event.events));
      case 'gap':
        return this.#append(event.gap.of.flatMap((part) => this.#lossOf(part)));
      case 'closed':
        return false;
    }
  }

  /** What the engine is to be asked for. */
  takeTears() {
    return this.#tears.splice(0);
  }

  /**
   * The engine has told what it has of a tear.
   * @param {Tear} tear
   * @param {LogLine[]} lines
   */
  handleMended({ service, last, mark }, lines) {
    const at = this.#entries.indexOf(mark);
    if (at === -1) {
      return;
    }
    const { entries } = merge(this.#entries.toSpliced(at, 1), lines);
    if (!lines.some((line) => identityOf(line) === last)) {
      // The engine's log does not reach back to it: what is missing was printed before its first line.
      const held = entries.findIndex((entry) => identityOf(entry) === last);
      entries.splice(held + 1, 0, { kind: 'break', service, state: 'lost' });
    }
    this.#replace(entries);
  }

  /** @param {Tear} tear */
  handleNotMended({ mark }) {
    const at = this.#entries.indexOf(mark);
    if (at !== -1) {
      this.#replace(this.#entries.with(at, { ...mark, state: 'failed' }));
    }
  }

  /** @param {string} service */
  oldestTime(service) {
    return this.#entries.find((entry) => entry.kind === 'line' && entry.service === service)?.time;
  }

  /**
   * @param {LogLine[]} lines
   * @returns {boolean} whether one was not known
   */
  addOlder(lines) {
    const { entries, added } = merge(this.#entries, byTime(lines));
    if (added.length > 0) {
      this.#replace(entries);
    }
    return added.length > 0;
  }

  /**
   * @param {LogEntry[]} told
   * @param {boolean} reset
   */
  #handleSnapshot(told, reset) {
    this.#known = true;
    if (reset) {
      for (const service of this.services) {
        const last = this.#entries.findLast((entry) => entry.kind === 'line' && entry.service === service);
        if (last?.kind === 'line' && !this.#torn.has(service)) {
          this.#torn.set(service, last);
        }
      }
    }
    this.#merge(told);
    return true;
  }

  /** @param {LogEntry[]} told */
  #handleTold(told) {
    this.#live += told.filter((entry) => entry.kind === 'line' && entry.history === undefined).length;
    // A follower that began anew tells from before what may be held already.
    const again = told.some((entry) => 'history' in entry || this.#torn.has(entry.service ?? ''));
    return again ? this.#merge(told) : this.#append(told);
  }

  /** @param {LogEntry[]} told */
  #append(told) {
    this.#entries.push(...told);
    this.#trim();
    return told.length > 0;
  }

  /** @param {LogEntry[]} told */
  #merge(told) {
    if (told.length === 0) {
      return false;
    }
    // A room tells one service's history after the other's.
    const { entries, added, joined } = merge(this.#entries, this.services.length > 1 ? byTime(told) : told);
    for (const service of joined) {
      this.#torn.delete(service);
    }
    for (const [service, last] of this.#torn) {
      this.#mark(service, last, entries, added);
    }
    if (added.length > 0) {
      this.#replace(entries);
    }
    return added.length > 0;
  }

  /**
   * Marks where lines of a torn service may be missing, once one has come from behind it.
   * @param {string} service
   * @param {LogLine} last
   * @param {LogEntry[]} entries
   * @param {LogEntry[]} added
   */
  #mark(service, last, entries, added) {
    const first = added.find((entry) => entry.kind === 'line' && entry.service === service && entry.time > last.time);
    if (first?.time === undefined) {
      return;
    }
    /** @type {Tear['mark']} */
    const mark = { kind: 'break', service, state: 'asking' };
    entries.splice(entries.indexOf(first), 0, mark);
    this.#torn.delete(service);
    this.#tears.push({ service, since: last.time, last: identityOf(last) ?? '', until: first.time, mark });
  }

  /** @param {LogEntry[]} entries */
  #replace(entries) {
    this.#entries = entries;
    this.#generation += 1;
    this.#dropped = 0;
    this.#trim();
  }

  #trim() {
    if (this.#entries.length > KEPT_ENTRIES + SLACK) {
      const dropped = this.#entries.length - KEPT_ENTRIES;
      this.#entries = this.#entries.slice(dropped);
      this.#dropped += dropped;
      this.#missesOlder();
    }
  }

  /** There are older lines now than those that are held. */
  #missesOlder() {
    if (this.older === 'none') {
      this.older = 'unknown';
    }
  }

  /** @param {readonly Event[]} events */
  #entriesOf(events) {
    return events
      .filter(({ type, data }) => type === TYPE && this.services.includes(data.service))
      .map(({ data }) => data);
  }

  /**
   * @param {{type: string, key?: string, missed: number}} part
   * @returns {LogEntry[]} none, if it is about something else
   */
  #lossOf({ type, key, missed }) {
    if (type !== TYPE || (key !== undefined && !this.services.includes(key))) {
      return [];
    }
    return [{ kind: 'gap', service: key, missed, exact: key !== undefined }];
  }
}

/**
 * Lines of one time stay in their order.
 * @param {readonly LogEntry[]} entries
 */
function byTime(entries) {
  return entries.toSorted(({ time: a = '' }, { time: b = '' }) => (a < b ? -1 : Number(a > b)));
}
