// Which entries of a log are shown: those that the filter lets through, and while it is paused those of
// the moment when it was. Each entry is read once, as it comes.

import { LogFilter } from './log_filter.js';

/** @import { Log, LogEntry } from './stores/logs.js' */

export class LogView {
  /** @type {LogEntry[]} */
  #rows = [];
  /** @type {number[]} of each row: which entry of the log it is */
  #numbers = [];
  #first = 0;
  #filter = new LogFilter({ search: '', level: '', source: '' });
  /** @type {Log | undefined} what there was when it was paused */
  #paused;
  #generation = -1;
  /** The number of the first entry that was not read yet. */
  #next = 0;
  #waiting = 0;

  /** What is shown, oldest first. */
  get rows() {
    return this.#rows;
  }

  /** How many rows went from the top since the rows were made anew. */
  get first() {
    return this.#first;
  }

  get paused() {
    return this.#paused !== undefined;
  }

  /** How many lines came since it was paused that would be shown. */
  get waiting() {
    return this.#waiting;
  }

  /** @param {LogFilter} filter only lines that it lets through are shown */
  filter(filter) {
    this.#filter = filter;
    this.#generation = -1;
  }

  /** @param {Log} log what is shown until `resume` */
  pause(log) {
    this.#paused = { ...log, entries: log.entries.slice() };
    this.#waiting = 0;
  }

  resume() {
    this.#paused = undefined;
    this.#generation = -1;
  }

  /**
   * Takes in what the log has now.
   * @param {Log} log
   * @returns {boolean} whether the rows were made anew: then none is where it was
   */
  update(log) {
    const anew = log.generation !== this.#generation;
    if (anew) {
      this.#generation = log.generation;
      this.#next = log.dropped;
      this.#waiting = 0;
    }
    if (this.#paused !== undefined) {
      const made = anew && this.#make(this.#paused);
      this.#countWaiting(log, anew);
      return made;
    }
    if (anew) {
      return this.#make(log);
    }
    this.#forget(log.dropped);
    this.#append(log);
    return false;
  }

  /** @param {Log} log */
  #make(log) {
    this.#rows = [];
    this.#numbers = [];
    this.#first = 0;
    this.#next = log.dropped;
    this.#append(log);
    return true;
  }

  /** @param {Log} log */
  #append({ dropped, entries }) {
    for (let at = Math.max(0, this.#next - dropped); at < entries.length; at += 1) {
      const entry = /** @type {LogEntry} */ (entries[at]);
      if (this.#filter.lets(entry)) {
        this.#rows.push(entry);
        this.#numbers.push(dropped + at);
      }
    }
    this.#next = dropped + entries.length;
  }

  /** @param {number} dropped */
  #forget(dropped) {
    const kept = this.#numbers.findIndex((number) => number >= dropped);
    const gone = kept === -1 ? this.#numbers.length : kept;
    if (gone > 0) {
      this.#rows = this.#rows.slice(gone);
      this.#numbers = this.#numbers.slice(gone);
      this.#first += gone;
    }
  }

  /**
   * @param {Log} log
   * @param {boolean} anew the entries were renumbered: all are counted again
   */
  #countWaiting({ dropped, entries }, anew) {
    const from = anew ? 0 : Math.max(0, this.#next - dropped);
    const matches = entries.slice(from).filter((entry) => this.#filter.lets(entry)).length;
    this.#waiting = anew ? Math.max(0, matches - this.#rows.length) : this.#waiting + matches;
    this.#next = dropped + entries.length;
  }
}
