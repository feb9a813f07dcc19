// How long an event takes from its publication to the screen: the median of the last 50, known to half
// the round trip that told the clocks apart.

import { Store } from '../store.js';
import { ClockOffset } from '../clock_offset.js';

const KEPT = 50;

/** @typedef {{medianMs: number | undefined, errorMs: number | undefined, offsetMs: number}} Latency */

/** @extends {Store<Latency>} */
export class LatencyStore extends Store {
  /** @type {number[]} */
  #samples = [];
  #offset = new ClockOffset();

  constructor() {
    super(() => ({
      medianMs: median(this.#samples),
      errorMs: this.#offset.best()?.errorMs,
      offsetMs: this.#offset.best()?.offsetMs ?? 0,
    }));
  }

  /** Another connection may lead to another server: its clock is measured anew. */
  handleConnected() {
    this.#offset.reset();
  }

  /**
   * @param {string} serverTime
   * @param {number} now
   * @param {number} roundTripMs
   */
  handlePong(serverTime, now, roundTripMs) {
    this.#offset.add(Date.parse(serverTime), now, roundTripMs);
    this.changed();
  }

  /**
   * @param {readonly string[]} timestamps of events that are on the screen now
   * @param {number} now
   */
  handlePainted(timestamps, now) {
    const offset = this.#offset.best();
    if (offset === undefined || timestamps.length === 0) {
      return;
    }
    for (const timestamp of timestamps.slice(-KEPT)) {
      // What is negative is within the clocks' uncertainty.
      this.#samples.push(Math.max(0, now + offset.offsetMs - Date.parse(timestamp)));
    }
    this.#samples = this.#samples.slice(-KEPT);
    this.changed();
  }
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}
