// How far the server's clock is ahead of ours, from pings: the one that was fastest knows best, and is
// wrong by half of its round trip at most.

const KEPT = 8;

/** @typedef {{offsetMs: number, errorMs: number}} Offset */

export class ClockOffset {
  /** @type {Offset[]} */
  #samples = [];

  /**
   * @param {number} serverMs the server's clock while it answered
   * @param {number} nowMs our clock when the answer came
   * @param {number} roundTripMs
   */
  add(serverMs, nowMs, roundTripMs) {
    const errorMs = roundTripMs / 2;
    this.#samples.push({ offsetMs: serverMs - (nowMs - errorMs), errorMs });
    if (this.#samples.length > KEPT) {
      this.#samples.shift();
    }
  }

  /** Forgets what another server's clock said. */
  reset() {
    this.#samples = [];
  }

  /** @returns {Offset | undefined} */
  best() {
    return this.#samples.reduce(
      (best, sample) => (best === undefined || sample.errorMs < best.errorMs ? sample : best),
      /** @type {Offset | undefined} */ (undefined),
    );
  }
}
