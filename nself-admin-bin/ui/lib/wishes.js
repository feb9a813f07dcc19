// What a client wants of one room: its filters, and from which position on each is read. A poll tells the
// snapshot of an added filter by itself, ahead of the room's position: what lies between is news for the
// other filters only.

import { keyOf } from './event_key.js';
import { covers, identityOf } from './filter.js';

/** @import { Cursor } from './cursor.js' */
/** @import { Filter } from './filter.js' */
/** @import { Event, Gap } from './frames.js' */

/** @typedef {{filter: Filter, settledAt: Cursor | undefined}} Wish `settledAt`: its snapshot was told there */

export class Wishes {
  /** @type {Map<string, Wish>} */
  #wishes = new Map();

  /** @param {Filter} filter */
  has(filter) {
    return this.#wishes.has(identityOf(filter));
  }

  /** All filters. */
  get all() {
    return [...this.#wishes.values()].map(({ filter }) => filter);
  }

  /** Those whose snapshot was told. */
  get settled() {
    return [...this.#wishes.values()].filter(isSettled).map(({ filter }) => filter);
  }

  /** Those whose snapshot was not. */
  get added() {
    return [...this.#wishes.values()].filter((wish) => !isSettled(wish)).map(({ filter }) => filter);
  }

  /**
   * All but those.
   * @param {readonly Filter[]} filters
   */
  except(filters) {
    const those = new Set(filters.map(identityOf));
    return this.all.filter((filter) => !those.has(identityOf(filter)));
  }

  /**
   * Wants exactly these from now on, and says what that changes.
   * @param {readonly Filter[]} filters
   * @returns {{added: Filter[], removed: Filter[]}}
   */
  set(filters) {
    const wanted = new Map(filters.map((filter) => [identityOf(filter), filter]));
    const removed = [];
    for (const [identity, { filter }] of this.#wishes) {
      if (!wanted.has(identity)) {
        this.#wishes.delete(identity);
        removed.push(filter);
      }
    }
    const added = [];
    for (const [identity, filter] of wanted) {
      if (!this.#wishes.has(identity)) {
        this.#wishes.set(identity, { filter, settledAt: undefined });
        added.push(filter);
      }
    }
    return { added, removed };
  }

  /**
   * The snapshot of these filters was told, as of `cursor`.
   * @param {readonly Filter[]} filters
   * @param {Cursor} cursor
   */
  settle(filters, cursor) {
    for (const filter of filters) {
      const wish = this.#wishes.get(identityOf(filter));
      if (wish !== undefined) {
        wish.settledAt = cursor;
      }
    }
  }

  /**
   * The events that no snapshot has told yet.
   * @param {Event[]} events of one room, rising
   * @param {string} epoch
   */
  newsAmong(events, epoch) {
    const ahead = this.#aheadOf(events[0]?.seq ?? Infinity, epoch);
    if (ahead.length === 0) {
      return events;
    }
    return events.filter((event) => this.#isNews(event.type, keyOf(event), event.seq, epoch));
  }

  /**
   * What of a gap is about events that no snapshot has told yet; `undefined` if nothing is.
   * @param {Gap} gap
   * @param {string} epoch
   * @returns {Gap | undefined}
   */
  newsOf(gap, epoch) {
    if (this.#aheadOf(gap.to, epoch).length === 0) {
      return gap;
    }
    const of = gap.of.filter(({ type, key }) => this.#isNews(type, key, gap.to, epoch));
    const missed = of.reduce((sum, part) => sum + part.missed, 0);
    return of.length === 0 ? undefined : { ...gap, missed, of };
  }

  /**
   * The filters that have had what is published at `seq`.
   * @param {number} seq
   * @param {string} epoch
   */
  #aheadOf(seq, epoch) {
    return [...this.#wishes.values()].filter((wish) => !isBefore(wish, seq, epoch));
  }

  /**
   * @param {string} type
   * @param {string | undefined} key
   * @param {number} seq
   * @param {string} epoch
   */
  #isNews(type, key, seq, epoch) {
    return [...this.#wishes.values()].some(
      (wish) => isBefore(wish, seq, epoch) && covers([wish.filter], type, key),
    );
  }
}

/** @param {Wish} wish */
function isSettled({ settledAt }) {
  return settledAt !== undefined;
}

/**
 * @param {Wish} wish
 * @param {number} seq
 * @param {string} epoch
 */
function isBefore({ settledAt }, seq, epoch) {
  return settledAt === undefined || settledAt.epoch !== epoch || settledAt.seq < seq;
}
