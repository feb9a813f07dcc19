// Which lines of a log are shown: by what they say, how grave they are, and the stream they came by. A
// search between slashes is a regular expression.

import { plainText } from './ansi.js';

/** @import { LogEntry } from './stores/logs.js' */

export const LEVELS = /** @type {const} */ (['trace', 'debug', 'info', 'warn', 'error', 'fatal']);

/** @typedef {{search: string, level: string, source: string}} Wanted an empty text is no condition */

export class LogFilter {
  /** @type {RegExp | undefined} */
  #pattern;
  #least;
  #source;
  /** The search is a regular expression that is none: it is not applied. */
  isInvalid = false;

  /** @param {Wanted} wanted */
  constructor({ search, level, source }) {
    this.#least = LEVELS.indexOf(/** @type {any} */ (level));
    this.#source = source;
    if (search !== '') {
      const pattern = patternOf(search);
      this.#pattern = pattern;
      this.isInvalid = pattern === undefined;
    }
  }

  /** Whether all lines are shown. */
  get isEmpty() {
    return this.#pattern === undefined && this.#least === -1 && this.#source === '';
  }

  /** @param {LogEntry} entry */
  lets(entry) {
    if (entry.kind !== 'line') {
      // A loss is shown whatever is searched: what was searched for may have been in it.
      return true;
    }
    return (
      (this.#source === '' || entry.source === this.#source) &&
      (this.#least === -1 || (entry.level !== undefined && LEVELS.indexOf(entry.level) >= this.#least)) &&
      (this.#pattern === undefined || this.#finds(plainText(entry.line)))
    );
  }

  /**
   * Where in a text the search is found: pairs of start and end.
   * @param {string} text
   * @returns {[number, number][]}
   */
  marks(text) {
    if (this.#pattern === undefined) {
      return [];
    }
    return [...text.matchAll(this.#pattern)]
      .filter(([found]) => found !== '')
      .map(({ 0: found, index }) => [index, index + found.length]);
  }

  /** @param {string} text */
  #finds(text) {
    return text.search(/** @type {RegExp} */ (this.#pattern)) !== -1;
  }
}

/**
 * @param {string} search
 * @returns {RegExp | undefined}
 */
function patternOf(search) {
  const [, source, flags = ''] = /^\/(.+)\/(i?)$/.exec(search) ?? [];
  if (source === undefined) {
    return new RegExp(search.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi');
  }
  try {
    return new RegExp(source, `g${flags}`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) {
      throw error;
    }
    return undefined;
  }
}
