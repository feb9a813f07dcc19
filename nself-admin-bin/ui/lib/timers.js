// All deadlines of a connection in one small table: each name has one deadline at most.

/** @template {string} Name */
export class Timers {
  /** @type {Map<Name, number>} */
  #deadlines = new Map();

  /**
   * @param {Name} name
   * @param {number} at
   */
  set(name, at) {
    this.#deadlines.set(name, at);
  }

  /** @param {Name[]} names */
  clear(...names) {
    for (const name of names) {
      this.#deadlines.delete(name);
    }
  }

  /** @param {Name} name */
  at(name) {
    return this.#deadlines.get(name);
  }

  /** When something is due next; `undefined` if nothing is. */
  next() {
    return this.#deadlines.size === 0 ? undefined : Math.min(...this.#deadlines.values());
  }

  /**
   * Takes one timer that is due.
   * @param {number} now
   * @returns {Name | undefined}
   */
  take(now) {
    for (const [name, at] of this.#deadlines) {
      if (at <= now) {
        this.#deadlines.delete(name);
        return name;
      }
    }
    return undefined;
  }
}
