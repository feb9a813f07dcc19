// One room as a client reads it: what it wants of the room, and how far it has read. Whatever comes
// between `subscribed` and `ready` is held back and told at once: if the connection is cut before,
// nothing of it was told, the former cursor still holds, and nothing comes twice. A poll's answer is
// whole by itself.

import { later, parseCursor } from './cursor.js';
import { Wishes } from './wishes.js';

/** @import { Cursor } from './cursor.js' */
/** @import { Filter } from './filter.js' */
/** @import { Event, Gap, ReadyFrame, SnapshotFrame, SubscribedFrame } from './frames.js' */
/** @import { PolledRoom } from './poll.js' */

/**
 * `away`: not asked for on this connection, or there is none. `asked`: no answer yet. `reading`: the server delivers.
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
  /** Something of it was told, and nobody has said since that it is gone. */
  #there = false;
  #wishes = new Wishes();
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
    return this.#wishes.has(filter);
  }

  /**
   * Sets what is wanted of the room, and says what that changes.
   * @param {readonly Filter[]} filters
   * @returns {{added: Filter[], removed: Filter[]}}
   */
  want(filters) {
    return this.#wishes.set(filters);
  }

  /**
   * What to ask for on a new connection. Filters that were never caught up on are asked for by
   * themselves: with a cursor the server would leave out what they had before it.
   * @returns {Request[]}
   */
  restore() {
    const { settled, added } = this.#wishes;
    const requests = [];
    if (settled.length > 0) {
      requests.push({ filters: settled, since: this.#cursor });
    }
    if (added.length > 0) {
      requests.push({ filters: added, since: undefined });
    }
    return requests;
  }

  /**
   * What to poll for: first what was never told, by itself; then everything from one cursor.
   * @returns {Request}
   */
  pollRequest() {
    const { all, added } = this.#wishes;
    return added.length > 0 ? { filters: added, since: undefined } : { filters: all, since: this.#cursor };
  }

  /** The server was asked for it. */
  handleAsked() {
    if (this.#phase !== 'reading') {
      this.#phase = 'asked';
    }
  }

  /**
   * There is no such room, or no longer: the wish stays.
   * @returns {boolean} whether there was one until now
   */
  handleUnknown() {
    const was = this.#there;
    this.handleLost();
    this.#there = false;
    this.#phase = 'unknown';
    return was;
  }

  /** The server refused what was asked for; what it delivers already goes on. */
  handleRefused() {
    if (this.#phase !== 'reading') {
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
      filters: filters ?? this.#wishes.all,
      recovered: data.recovered,
      events: [],
      deliveries: [],
      epoch: data.epoch,
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
    if (this.#phase !== 'reading') {
      return [];
    }
    const [catchUp] = this.#catchUps;
    if (catchUp !== undefined) {
      catchUp.deliveries.push(...this.#eventsOf(events, catchUp.epoch, false));
      return [];
    }
    const last = events.at(-1);
    if (last === undefined) {
      return [];
    }
    return this.#passTo(last.seq, this.#eventsOf(events, this.#cursor?.epoch, true));
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
    held?.push(...this.#lossOf(gap, catchUp?.epoch ?? this.#cursor?.epoch));
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
    this.#there = true;
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

  /**
   * @param {PolledRoom} answer
   * @param {Request} request
   * @returns {Delivery[]}
   */
  handlePolled({ cursor, recovered, snapshot, gaps, events }, { filters, since }) {
    const { room } = this;
    const told = parseCursor(cursor);
    if (told === undefined) {
      return [];
    }
    /** @type {Delivery[]} */
    const deliveries = [];
    const reset = recovered === 'reset';
    // A snapshot of added filters moves them alone: the others go on from where they were.
    if (since !== undefined || this.#wishes.settled.length === 0) {
      this.#cursor = later(this.#cursor, told);
    }
    this.#there = true;
    const fresh = reset || recovered === 'fresh';
    if (fresh) {
      deliveries.push({ kind: 'snapshot', room, filters, events: snapshot, reset });
    }
    deliveries.push(...gaps.flatMap((gap) => this.#lossOf(gap, told.epoch)));
    deliveries.push(...this.#eventsOf(events, told.epoch, false));
    if (fresh) {
      this.#wishes.settle(filters, told);
    }
    return deliveries;
  }

  /**
   * @param {Event[]} events
   * @param {string | undefined} epoch
   * @param {boolean} live
   * @returns {Delivery[]}
   */
  #eventsOf(events, epoch, live) {
    const news = epoch === undefined ? events : this.#wishes.newsAmong(events, epoch);
    return news.length === 0 ? [] : [{ kind: 'events', room: this.room, events: news, live }];
  }

  /**
   * @param {Gap} gap
   * @param {string | undefined} epoch
   * @returns {Delivery[]}
   */
  #lossOf(gap, epoch) {
    const news = epoch === undefined ? gap : this.#wishes.newsOf(gap, epoch);
    return news === undefined ? [] : [{ kind: 'gap', room: this.room, gap: news }];
  }

  #settle() {
    const { cursor, filters } = this.#pending;
    if (cursor !== undefined) {
      this.#cursor = later(this.#cursor, cursor);
      this.#wishes.settle(filters, cursor);
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
 * @typedef {{id: number | undefined, filters: Filter[], recovered: string, epoch: string,
 *   events: Event[], deliveries: Delivery[]}} CatchUp
 */
