// The log that somebody looks at: the lines of one or more services of a project, the newest 100,000, with
// every loss marked at its place. Lines stay through a reset: what comes again is known by its identity,
// and what lies between is asked of the engine.

import { fetchLog, RequestError } from '../api.js';
import { HeldLog } from '../held_log.js';
import { Store } from '../store.js';

/** @import { SessionEvent } from '../session.js' */
/** @import { Tear } from '../held_log.js' */

const OLDER_LINES = 500;
// The most that one question gives.
const MISSED_LINES = 10_000;

/**
 * @typedef {{kind: 'line', service: string, time: string, containerId?: string, line: string,
 *   source: 'stdout' | 'stderr', n?: number,
 *   level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal', truncatedBytes?: number,
 *   history?: number}} LogLine
 * @typedef {{kind: 'marker', service: string, time: string, containerId?: string,
 *   marker: 'stopped' | 'recreated' | 'restarted' | 'lost' | 'unavailable',
 *   text: string, missed?: number}} LogMarker
 * @typedef {{kind: 'gap', service?: string, time?: undefined, missed: number, exact: boolean}
 *   | {kind: 'break', service: string, time?: undefined, state: 'asking' | 'lost' | 'failed'}} Loss lines that
 *   this reader missed, counted or not
 * @typedef {LogLine | LogMarker | Loss} LogEntry
 */

/**
 * `entries[i]` is number `dropped + i` since `generation` began; a new generation renumbers all. `live`
 * counts the lines that were printed while the log was open.
 * @typedef {{known: boolean, generation: number, dropped: number, entries: readonly LogEntry[],
 *   live: number, older: 'unknown' | 'asking' | 'none' | 'failed'}} Log
 */

/** @extends {Store<Log>} */
export class LogsStore extends Store {
  /** @type {HeldLog | undefined} */
  #log;
  #fetch;

  /** @param {typeof fetchLog} [fetchHistory] */
  constructor(fetchHistory = fetchLog) {
    super(() => this.#log?.snapshot() ?? EMPTY);
    this.#fetch = fetchHistory;
  }

  /**
   * Keeps the log of these services from now on, and no other.
   * @param {string} room
   * @param {readonly string[]} services
   */
  open(room, services) {
    this.#log = new HeldLog(room, services);
    this.changed();
  }

  close() {
    this.#log = undefined;
    this.changed();
  }

  /** Forgets the lines that are there; new ones go on. */
  clear() {
    this.#log?.clear();
    this.changed();
  }

  /** @param {SessionEvent} event */
  handle(event) {
    const log = this.#log;
    if (log?.handle(event)) {
      for (const tear of log.takeTears()) {
        this.#mend(log, tear);
      }
      this.changed();
    }
  }

  /** Asks the engine for lines from before those that are held. */
  async loadOlder() {
    const log = this.#log;
    if (log === undefined || log.older === 'asking') {
      return;
    }
    log.older = 'asking';
    this.changed();
    try {
      const lists = await Promise.all(
        log.services.map((service) =>
          this.#fetch(log.room, service, { until: log.oldestTime(service), tail: OLDER_LINES }),
        ),
      );
      log.older = log.addOlder(lists.flatMap(({ lines }) => lines)) ? 'unknown' : 'none';
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      log.older = 'failed';
    }
    this.changed();
  }

  /**
   * @param {HeldLog} log
   * @param {Tear} tear
   */
  async #mend(log, tear) {
    try {
      const { service, since, until } = tear;
      const { lines, whole } = await this.#fetch(log.room, service, { since, until, tail: MISSED_LINES });
      if (whole) {
        log.handleMended(tear, lines);
      } else {
        log.handleNotMended(tear);
      }
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      log.handleNotMended(tear);
    }
    this.changed();
  }
}

/** @type {Log} */
const EMPTY = { known: false, generation: 0, dropped: 0, entries: [], live: 0, older: 'unknown' };
