// The lines of the logs that somebody looks at, the newest 10,000 of each, with every loss marked at its
// place. Lines stay through a reset: what comes again is known by its identity.

import { Store } from '../store.js';
import { merge } from '../log_merge.js';

/** @import { SessionEvent } from '../session.js' */
/** @import { Event } from '../frames.js' */

const TYPE = 'logs:stream';
export const KEPT_ENTRIES = 10_000;
// Old entries go many at a time: moving the array for each one would cost more than it frees.
const SLACK = 1_000;

/**
 * @typedef {{kind: 'line', service: string, time: string, containerId?: string, line: string,
 *   source: 'stdout' | 'stderr', n?: number,
 *   level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', truncatedBytes?: number,
 *   history?: number}} LogLine
 * @typedef {{kind: 'marker', service: string, time: string, containerId?: string,
 *   marker: 'stopped' | 'recreated' | 'restarted' | 'lost' | 'unavailable',
 *   text: string, missed?: number}} LogMarker
 * @typedef {{kind: 'gap', time?: undefined, missed: number, exact: boolean}
 *   | {kind: 'break', time?: undefined}} Loss lines that this reader missed, counted or not
 * @typedef {LogLine | LogMarker | Loss} LogEntry
 */

/**
 * `entries[i]` is number `dropped + i` since `generation` began; a new generation renumbers all.
 * @typedef {{known: boolean, generation: number, dropped: number, entries: readonly LogEntry[]}} Log
 */

/** @extends {Store<ReadonlyMap<string, Log>>} */
export class LogsStore extends Store {
  /** @type {Map<string, HeldLog>} */
  #logs = new Map();

  constructor() {
    super(() => new Map([...this.#logs].map(([name, log]) => [name, log.snapshot()])));
  }

  /**
   * Keeps what comes of this log from now on.
   * @param {string} room
   * @param {string} service
   */
  open(room, service) {
    this.#logs.set(nameOf(room, service), new HeldLog(room, service));
    this.changed();
  }

  /**
   * @param {string} room
   * @param {string} service
   */
  close(room, service) {
    this.#logs.delete(nameOf(room, service));
    this.changed();
  }

  /**
   * @param {string} room
   * @param {string} service
   * @returns {Log}
   */
  log(room, service) {
    return this.getSnapshot().get(nameOf(room, service)) ?? EMPTY;
  }

  /** @param {SessionEvent} event */
  handle(event) {
    let changed = false;
    for (const log of this.#logs.values()) {
      changed = log.handle(event) || changed;
    }
    if (changed) {
      this.changed();
    }
  }
}

class HeldLog {
  /** @type {LogEntry[]} */
  #entries = [];
  #known = false;
  #generation = 0;
  #dropped = 0;
  /** A reset came, and nothing since has joined what is held. */
  #torn = false;

  /**
   * @param {string} room
   * @param {string} service
   */
  constructor(room, service) {
    this.room = room;
    this.service = service;
  }

  /** @returns {Log} */
  snapshot() {
    return {
      known: this.#known,
      generation: this.#generation,
      dropped: this.#dropped,
      entries: this.#entries,
    };
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
      case 'events': {
        const told = this.#entriesOf(event.events);
        // A follower that began anew tells from before what may be held already.
        const again = this.#torn || told.some((entry) => 'history' in entry);
        return again ? this.#merge(told) : this.#append(told);
      }
      case 'gap':
        return this.#append(event.gap.of.flatMap((part) => this.#lossOf(part)));
      case 'closed':
        return false;
    }
  }

  /**
   * @param {LogEntry[]} told
   * @param {boolean} reset
   */
  #handleSnapshot(told, reset) {
    this.#known = true;
    this.#torn ||= reset && this.#entries.length > 0;
    this.#merge(told);
    return true;
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
    const { entries, added, torn } = merge(this.#entries, told, this.#torn);
    this.#torn = torn;
    if (added > 0) {
      this.#entries = entries;
      this.#generation += 1;
      this.#dropped = 0;
      this.#trim();
    }
    return added > 0;
  }

  #trim() {
    if (this.#entries.length > KEPT_ENTRIES + SLACK) {
      const dropped = this.#entries.length - KEPT_ENTRIES;
      this.#entries = this.#entries.slice(dropped);
      this.#dropped += dropped;
    }
  }

  /** @param {readonly Event[]} events */
  #entriesOf(events) {
    return events
      .filter(({ type, data }) => type === TYPE && data.service === this.service)
      .map(({ data }) => data);
  }

  /**
   * @param {{type: string, key?: string, missed: number}} part
   * @returns {LogEntry[]} none, if it is about something else
   */
  #lossOf({ type, key, missed }) {
    if (type !== TYPE || (key !== undefined && key !== this.service)) {
      return [];
    }
    return [{ kind: 'gap', missed, exact: key !== undefined }];
  }
}

/** @type {Log} */
const EMPTY = { known: false, generation: 0, dropped: 0, entries: [] };

/**
 * @param {string} room
 * @param {string} service
 */
function nameOf(room, service) {
  return `${room}/${service}`;
}
