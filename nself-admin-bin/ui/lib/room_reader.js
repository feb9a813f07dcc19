// One room as a client reads it: what it wants of the room, and how far it has read. Whatever comes
// between `subscribed` and `ready`, or before a gap is passed, is held back and told at once: if the
// connection is cut before, nothing of it was told, the former cursor still holds, and nothing comes
// twice. A poll's answer is whole by itself.

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
  /** @type {string | undefined} which life of the log is read on this connection */
  #epoch;
  /** What has come and may not be told yet. */
  #held = nothingHeld();

  /** @param {string} room */
  constructor(room) {
    this.room = room;
  }

  get phase() {
    return this.#phase;
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
    this.#held = nothingHeld();
    this.#epoch = undefined;
  }

  /**
   * The answer to a request; without one, the server begins the room anew.
   * @param {SubscribedFrame} frame
   * @param {Filter[]} [asked]
   */
  handleSubscribed({ id, data }, asked) {
    const reading = this.#phase === 'reading';
    if (asked === undefined && !reading) {
      // Of a subscription that was ended since.
      return;
    }
    const added = reading && asked !== undefined;
    const filters = asked ?? this.#beginAnew();
    this.#phase = 'reading';
    if (!added) {
      this.#epoch = data.epoch;
    }
    const { recovered } = data;
    this.#held.catchUps.push({ id, filters, recovered, events: [], gaps: [], added });
  }

  /**
   * Of what was asked for first, `ready` never comes; additions whose snapshot was begun begin theirs
   * again. What was published before and has come is true all the same, and told.
   * @returns {Filter[]} those that are read anew
   */
  #beginAnew() {
    const held = this.#held;
    held.catchUps = held.catchUps
      .filter(({ added }) => added)
      .map((catchUp) => ({ ...catchUp, events: [], gaps: [] }));
    // The positions of the former life say nothing any more.
    held.seq = 0;
    held.gapTo = 0;
    return this.#wishes.except(held.catchUps.flatMap(({ filters }) => filters));
  }

  /** @param {SnapshotFrame} frame */
  handleSnapshot({ id, events }) {
    this.#held.catchUps.find((catchUp) => catchUp.id === id)?.events.push(...events);
  }

  /**
   * @param {Event[]} events
   * @returns {Delivery[]}
   */
  handleEvents(events) {
    const last = events.at(-1);
    if (this.#phase !== 'reading' || last === undefined) {
      return [];
    }
    const held = this.#held;
    held.seq = Math.max(held.seq, last.seq);
    const live = held.catchUps.length === 0;
    held.deliveries.push(...this.#eventsOf(events, this.#epoch, live));
    return this.#release();
  }

  /** @param {Gap} gap */
  handleGap(gap) {
    if (this.#phase !== 'reading') {
      return;
    }
    const held = this.#held;
    held.gapTo = Math.max(held.gapTo, gap.to);
    // While a snapshot is given nothing else is, so what is missing is missing in it.
    const given = held.catchUps.find(({ events }) => events.length > 0);
    (given?.gaps ?? held.deliveries).push(...this.#lossOf(gap, this.#epoch));
  }

  /**
   * @param {string} text
   * @returns {Delivery[]}
   */
  handleCursor(text) {
    const told = parseCursor(text);
    const held = this.#held;
    if (this.#phase !== 'reading' || held.catchUps.length > 0 || told === undefined) {
      return [];
    }
    held.seq = Math.max(held.seq, told.seq);
    return this.#release();
  }

  /**
   * @param {ReadyFrame} frame
   * @returns {Delivery[]}
   */
  handleReady({ id, data }) {
    const held = this.#held;
    const at = held.catchUps.findIndex((catchUp) => catchUp.id === id);
    const told = parseCursor(data.cursor);
    if (at === -1 || told === undefined) {
      return [];
    }
    const [catchUp] = /** @type {[CatchUp]} */ (held.catchUps.splice(at, 1));
    const { filters, events, gaps, recovered } = catchUp;
    this.#there = true;
    held.seq = Math.max(held.seq, told.seq);
    if (recovered === 'fresh' || recovered === 'reset') {
      const reset = recovered === 'reset';
      held.deliveries.push({ kind: 'snapshot', room: this.room, filters, events, reset });
      held.settled.push({ filters, cursor: told });
    }
    held.deliveries.push(...gaps);
    return this.#release();
  }

  /**
   * Tells what is held if nothing is caught up on and no gap is open.
   * @returns {Delivery[]}
   */
  #release() {
    const { deliveries, catchUps, settled, seq, gapTo } = this.#held;
    if (catchUps.length > 0 || seq < gapTo) {
      return [];
    }
    this.#held = nothingHeld();
    if (this.#epoch !== undefined) {
      this.#cursor = later(this.#cursor, { epoch: this.#epoch, seq });
    }
    for (const { filters, cursor } of settled) {
      this.#wishes.settle(filters, cursor);
    }
    return deliveries;
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
}

/** @returns {Held} */
function nothingHeld() {
  return { deliveries: [], catchUps: [], settled: [], seq: 0, gapTo: 0 };
}

/**
 * A request whose `ready` has not come. `gaps`: what went while the snapshot was given. `added`: filters
 * were added to a reading that goes on.
 * @typedef {{id: number | undefined, filters: Filter[], recovered: string, events: Event[],
 *   gaps: Delivery[], added: boolean}} CatchUp
 */

/**
 * `settled`: whose snapshots are among it, and up to where they tell. `seq`: up to where it goes. `gapTo`:
 * the end of the last gap, which the server tells ahead of the events between its parts: a resume from
 * among them would be told it again.
 * @typedef {{deliveries: Delivery[], catchUps: CatchUp[], seq: number, gapTo: number,
 *   settled: {filters: Filter[], cursor: Cursor}[]}} Held
 */
