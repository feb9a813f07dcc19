// How long to wait before attempt k: 1, 2, 4, 8, 16, 16, … s, each times a random factor from 0.8 to
// 1.8, so that the clients that lose one server together do not come back together.

const FIRST_MS = 1_000;
const CEILING_MS = 16_000;
const LEAST_FACTOR = 0.8;
const FACTOR_RANGE = 1.0;
const LONGEST_TOLD_MS = 3_600_000;

export class Backoff {
  /** @type {() => number} */
  #random;
  #attempt = 0;

  /** @param {() => number} random from 0 (included) to 1 (excluded) */
  constructor(random) {
    this.#random = random;
  }

  /** Takes the delay before the next attempt, in milliseconds. */
  nextMs() {
    const base = Math.min(FIRST_MS * 2 ** this.#attempt, CEILING_MS);
    this.#attempt += 1;
    return base * (LEAST_FACTOR + FACTOR_RANGE * this.#random());
  }

  /** Begins again with the shortest delay. */
  reset() {
    this.#attempt = 0;
  }
}

/**
 * How long to wait where a server says it: no longer than an hour.
 * @param {number} toldMs
 */
export function bounded(toldMs) {
  return Math.min(toldMs, LONGEST_TOLD_MS);
}
