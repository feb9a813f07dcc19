// One room as a client reads it: what it wants of the room, and how far it has read. Whatever comes
// between `subscribed` and `ready` is held back and told at once: if the connection is cut before,
// nothing of it was told, the former cursor still holds, and nothing comes twice.

import { later, parseCursor } from './cursor.js';
import { identityOf } from './filter.js';

/** @import { Cursor } from './cursor.js' */
/** @import { Filter } from './filter.js' */
/** @import { Event, Gap, ReadyFrame, SnapshotFrame, SubscribedFrame } from './frames.js' */

/**
 * `away`: not asked for on this connection. `asked`: no answer yet. `reading`: the server delivers.
 * `unknown`: there is no such room now. `refused`: the server will not deliver it.
 * @typedef {'away' | 'asked' | 'reading' | 'unknown' | 'refused'} Phase
 */

/**
 * What a room tells. `snapshot` stands for all that its filters cover; `live` events were published
 * just now, others were caught up on.
 * @typedef {{kind: 'snapshot', room: string, filters: Filter[], events: Event[], reset: boolean}
 *   | {kind: 'events', room: string, events: Event[], live: boolean}
 *   | {kind: 'gap', room: string, gap: Gap}} Delivery
 */

/** @typedef {{filters: Filter[], since: Cursor | undefined}} Request */

export class RoomReader {
  /** @type {Phase} */
  #phase = 'away';
  /** @type {Cursor | undefined} */
  #cursor;
  /** @type {Map<string, {filter: Filter, settled: boolean}>} settled: its snapshot has been told */
  #wishes = new Map();
  /** @type {CatchUp[]} in the order of the answers; filters may be added while others catch up */
  #catchUps = [];
  /** @type {{cursor: Cursor | undefined, filters: Filter[]}} what holds once all have caught up */
  #pending = { cursor: undefined, filters: [] };
  /**
   * A gap is told by the server ahead of the events between its parts. Until the position has passed
   * it, all of it is held back and the cursor stays before it: a resume would be told it again, whole.
   * @type {{to: number, deliveries: Delivery[]} | undefined}
   */
  #gap;

  /** @param {string} room */
  constructor(room) {
    this.room = room;
  }

  get phase() {
    return this.#phase;
  }

  get cursor() {
    return this.#cursor;
  }

  /** @param {Filter} filter */
  wants(filter) {
    return this.#wishes.has(identityOf(filter));
  }

  /**
   * Sets what is wanted of the room, and says what that changes.
   * @param {readonly Filter[]} filters
   * @returns {{added: Filter[], removed: Filter[]}}
   */
  want(filters) {
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
        this.#wishes.set(identity, { filter, settled: false });
        added.push(filter);
      }
    }
    return { added, removed };
  }

  /**
   * What to ask for on a new connection. Filters that were never caught up on are asked for by
   * themselves: with a cursor the server would leave out what they had before it.
   * @returns {Request[]}
   */
  restore() {
    const wishes = [...this.#wishes.values()];
    const settled = wishes.filter((wish) => wish.settled).map((wish) => wish.filter);
    const added = wishes.filter((wish) => !wish.settled).map((wish) => wish.filter);
    const requests = [];
    if (settled.length > 0) {
      requests.push({ filters: settled, since: this.#cursor });
    }
    if (added.length > 0) {
      requests.push({ filters: added, since: undefined });
    }
    return requests;
  }

  /** The server was asked for it. */
  handleAsked() {
    if (this.#phase !== 'reading') {
      this.#phase = 'asked';
    }
  }

  /** There is no such room, or no longer: the wish stays. */
  handleUnknown() {
    this.handleLost();
    this.#phase = 'unknown';
  }

  /** The server refused what was asked for; what it delivers already goes on. */
  handleRefused() {
    if (this.#phase === 'asked') {
      this.#phase = 'refused';
    }
  }

  /** The connection is lost: what was not told will be read again. */
  handleLost() {
    this.#phase = 'away';
    this.#catchUps = [];
    this.#pending = { cursor: undefined, filters: [] };
    this.#gap = undefined;
  }

  /**
   * @param {SubscribedFrame} frame
   * @param {Filter[]} [filters] those that were asked for; all, if nobody asked
   */
  handleSubscribed({ id, data }, filters) {
    this.#phase = 'reading';
    this.#catchUps.push({
      id,
      filters: filters ?? [...this.#wishes.values()].map((wish) => wish.filter),
      recovered: data.recovered,
      events: [],
      deliveries: [],
    });
  }

  /** @param {SnapshotFrame} frame */
  handleSnapshot({ id, events }) {
    this.#catchUps.find((catchUp) => catchUp.id === id)?.events.push(...events);
  }

  /**
   * @param {Event[]} events
   * @returns {Delivery[]}
   */
  handleEvents(events) {
    const { room } = this;
    if (this.#phase !== 'reading') {
      return [];
    }
    const [catchUp] = this.#catchUps;
    if (catchUp !== undefined) {
      catchUp.deliveries.push({ kind: 'events', room, events, live: false });
      return [];
    }
    const last = events.at(-1);
    if (last === undefined) {
      return [];
    }
    return this.#passTo(last.seq, [{ kind: 'events', room, events, live: true }]);
  }

  /** @param {Gap} gap */
  handleGap(gap) {
    if (this.#phase !== 'reading') {
      return;
    }
    const [catchUp] = this.#catchUps;
    if (catchUp === undefined) {
      this.#gap ??= { to: 0, deliveries: [] };
      this.#gap.to = Math.max(this.#gap.to, gap.to);
    }
    const held = catchUp?.deliveries ?? this.#gap?.deliveries;
    held?.push({ kind: 'gap', room: this.room, gap });
  }

  /**
   * @param {string} text
   * @returns {Delivery[]}
   */
  handleCursor(text) {
    const told = parseCursor(text);
    if (this.#phase !== 'reading' || this.#catchUps.length > 0 || told === undefined) {
      return [];
    }
    return this.#passTo(told.seq, []);
  }

  /**
   * @param {ReadyFrame} frame
   * @returns {Delivery[]}
   */
  handleReady({ id, data }) {
    const at = this.#catchUps.findIndex((catchUp) => catchUp.id === id);
    const told = parseCursor(data.cursor);
    if (at === -1 || told === undefined) {
      return [];
    }
    const [catchUp] = /** @type {[CatchUp]} */ (this.#catchUps.splice(at, 1));
    this.#pending.cursor = later(this.#pending.cursor, told);
    this.#pending.filters.push(...catchUp.filters);
    if (this.#catchUps.length === 0) {
      this.#settle();
    }
    const reset = catchUp.recovered === 'reset';
    if (!reset && catchUp.recovered !== 'fresh') {
      return catchUp.deliveries;
    }
    const { room } = this;
    const { filters, events, deliveries } = catchUp;
    return [{ kind: 'snapshot', room, filters, events, reset }, ...deliveries];
  }

  #settle() {
    const { cursor, filters } = this.#pending;
    if (cursor !== undefined) {
      this.#cursor = later(this.#cursor, cursor);
    }
    for (const filter of filters) {
      const wish = this.#wishes.get(identityOf(filter));
      if (wish !== undefined) {
        wish.settled = true;
      }
    }
    this.#pending = { cursor: undefined, filters: [] };
  }

  /**
   * The position has come to `seq`: what is not within a gap is told.
   * @param {number} seq
   * @param {Delivery[]} deliveries
   * @returns {Delivery[]}
   */
  #passTo(seq, deliveries) {
    if (this.#gap !== undefined) {
      this.#gap.deliveries.push(...deliveries);
      if (seq < this.#gap.to) {
        return [];
      }
      deliveries = this.#gap.deliveries;
      this.#gap = undefined;
    }
    if (this.#cursor !== undefined) {
      this.#cursor = later(this.#cursor, { epoch: this.#cursor.epoch, seq });
    }
    return deliveries;
  }
}

/**
 * What has come since `subscribed`.
 * @typedef {{id: number | undefined, filters: Filter[], recovered: string, events: Event[],
 *   deliveries: Delivery[]}} CatchUp
 */
