// The time of day, once a second: for ages and up-times.

import { Store } from '../store.js';

const TICK_MS = 1_000;

/** @extends {Store<number>} */
export class ClockStore extends Store {
  constructor() {
    super(() => Date.now());
  }

  start() {
    setInterval(() => this.changed(), TICK_MS);
  }
}
