// What a store is: it tells its listeners that it changed, and gives a snapshot that is the same object
// until then. Any view library can bind to these two functions.

/** @template Snapshot */
export class Store {
  /** @type {Set<() => void>} */
  #listeners = new Set();
  /** @type {() => Snapshot} */
  #build;
  /** @type {{value: Snapshot} | undefined} */
  #held;

  /** @param {() => Snapshot} build makes the snapshot when somebody asks after a change */
  constructor(build) {
    this.#build = build;
  }

  /**
   * @param {() => void} listener
   * @returns {() => void} ends it
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  getSnapshot() {
    this.#held ??= { value: this.#build() };
    return this.#held.value;
  }

  /** Says that the next snapshot is another one. */
  changed() {
    this.#held = undefined;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
