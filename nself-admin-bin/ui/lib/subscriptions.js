// What a client wants of which room, and what the server answered: every wish outlives connections, and
// a room that is not there is asked for again when `system` tells that it is open.

import { bounded } from './backoff.js';
import { subscribe, unsubscribe } from './frames.js';
import { RoomReader } from './room_reader.js';

/** @import { Delivery, Request } from './room_reader.js' */
/** @import { Filter } from './filter.js' */
/** @import { PolledRoom, PollSubscription } from './poll.js' */
/** @import { ErrorData, ErrorFrame, Event, EventsFrame, SubscribedFrame, SnapshotFrame, ReadyFrame,
 *   CursorFrame, GapFrame, UnsubscribedFrame } from './frames.js' */

/**
 * @typedef {Delivery | {kind: 'closed', room: string} | {kind: 'error', error: ErrorData}} RoomEvent
 * @typedef {EventsFrame | SubscribedFrame | SnapshotFrame | ReadyFrame | CursorFrame | GapFrame
 *   | UnsubscribedFrame} RoomFrame
 * @typedef {{nextId: () => number, send: (text: string) => void,
 *   tell: (event: RoomEvent) => void}} Output
 * @typedef {Request & {room: string}} PendingRequest
 */

export class Subscriptions {
  #out;
  #open = false;
  /** @type {Map<string, RoomReader>} */
  #readers = new Map();
  /** @type {Map<number, PendingRequest>} subscribes that wait for an answer */
  #requests = new Map();
  /** @type {Set<string>} rooms that closed while something was asked for in them */
  #astray = new Set();
  /** @type {PendingRequest[]} subscribes that the server asked to send again later */
  #delayed = [];

  /** @param {Output} out */
  constructor(out) {
    this.#out = out;
  }

  /**
   * Reads a room through exactly these filters from now on; no filter ends it.
   * @param {string} room
   * @param {readonly Filter[]} filters
   */
  read(room, filters) {
    const reader = this.#readers.get(room) ?? new RoomReader(room);
    const { added, removed } = reader.want(filters);
    if (filters.length === 0) {
      this.#readers.delete(room);
    } else {
      this.#readers.set(room, reader);
    }
    if (!this.#open) {
      if (reader.phase === 'refused') {
        // Something else is asked for now.
        reader.handleLost();
      }
      return;
    }
    if (reader.phase === 'asked' || reader.phase === 'reading') {
      this.#change(reader, added, removed, filters.length === 0);
    } else if (reader.phase !== 'unknown' && filters.length > 0) {
      this.#restore(reader);
    }
  }

  /** A connection is open: all rooms are asked for at once. */
  handleOpen() {
    this.#open = true;
    for (const reader of this.#readers.values()) {
      this.#restore(reader);
    }
  }

  /** The connection is lost. */
  handleLost() {
    this.#open = false;
    this.#requests.clear();
    this.#astray.clear();
    this.#delayed = [];
    for (const reader of this.#readers.values()) {
      reader.handleLost();
    }
  }

  /** @param {RoomFrame} frame */
  handleFrame(frame) {
    const reader = this.#readers.get(frame.room);
    if (reader === undefined) {
      return;
    }
    switch (frame.type) {
      case 'event':
        return this.#deliver(reader.handleEvents(frame.events));
      case 'subscribed': {
        const request = frame.id === undefined ? undefined : this.#requests.get(frame.id);
        if (frame.id === undefined || request !== undefined) {
          this.#requests.delete(frame.id ?? 0);
          reader.handleSubscribed(frame, request?.filters);
        }
        return;
      }
      case 'snapshot':
        return reader.handleSnapshot(frame);
      case 'ready':
        return this.#deliver(reader.handleReady(frame));
      case 'cursor':
        return this.#deliver(reader.handleCursor(frame.data.cursor));
      case 'gap':
        return reader.handleGap(frame.data);
      case 'unsubscribed':
        if (frame.id === undefined) {
          this.#end(reader, frame.data.reason);
        }
    }
  }

  /**
   * @param {ErrorFrame} frame
   * @returns {number | undefined} after how many milliseconds to call `sendDelayed`
   */
  handleError({ id, data }) {
    const request = this.#requests.get(id ?? 0);
    this.#requests.delete(id ?? 0);
    const reader = request && this.#readers.get(request.room);
    if (request === undefined && ['not_found', 'unknown_room'].includes(data.code)) {
      // What was to be taken away, or was asked for in a room that closed, is not there any more.
      return undefined;
    }
    if (request !== undefined && data.code === 'rate_limited') {
      this.#delay(request);
      return bounded(data.retryAfterMs ?? RATE_LIMITED_MS);
    }
    if (reader !== undefined && data.code === 'unknown_room') {
      this.#close(reader);
    } else {
      reader?.handleRefused();
      this.#out.tell({ kind: 'error', error: data });
    }
    return undefined;
  }

  /** @param {PendingRequest} request that was refused for its pace */
  #delay(request) {
    if (request.since !== undefined) {
      // Additions that get through would stand for the whole room, and to those no cursor can be added:
      // the room begins again.
      this.#readers.get(request.room)?.handleLost();
      this.#forget(request.room);
    }
    this.#delayed.push(request);
  }

  /** Sends again what was refused for its pace, if it is still wanted. */
  sendDelayed() {
    for (const { room, filters, since } of this.#delayed.splice(0)) {
      const reader = this.#readers.get(room);
      const wanted = filters.filter((filter) => reader?.wants(filter));
      if (reader === undefined) {
        continue;
      }
      if (since !== undefined && reader.phase === 'away') {
        this.#out.send(unsubscribe(this.#out.nextId(), room));
        this.#restore(reader);
      } else if (since === undefined && wanted.length > 0) {
        this.#subscribe(reader, { filters: wanted, since });
      }
    }
  }

  /**
   * What a poll asks for: every room but those that are not there or refused.
   * @returns {PollSubscription[]}
   */
  toPoll() {
    return [...this.#readers.values()]
      .filter(({ phase }) => phase === 'away')
      .map((reader) => ({ room: reader.room, ...reader.pollRequest() }));
  }

  /**
   * @param {PolledRoom[]} rooms
   * @param {PollSubscription[]} subscriptions that they answer
   * @returns {boolean} whether there is something that was not known, or more of it
   */
  handlePolled(rooms, subscriptions) {
    let told = false;
    for (const answer of rooms) {
      const reader = this.#readers.get(answer.room);
      const request = subscriptions.find(({ room }) => room === answer.room);
      if (reader !== undefined && request !== undefined) {
        const deliveries = reader.handlePolled(answer, request);
        told ||= deliveries.length > 0 || answer.more;
        this.#deliver(deliveries);
      }
    }
    return told;
  }

  /**
   * @param {string} room
   * @param {ErrorData} error
   */
  handlePollRefused(room, error) {
    const reader = this.#readers.get(room);
    if (reader === undefined) {
      return;
    }
    if (error.code !== 'unknown_room') {
      reader.handleRefused();
      this.#out.tell({ kind: 'error', error });
      return;
    }
    this.#close(reader);
  }

  /** @param {ErrorData} error about no room in particular */
  tellError(error) {
    this.#out.tell({ kind: 'error', error });
  }

  /**
   * @param {RoomReader} reader
   * @param {string} reason why the server ended it
   */
  #end(reader, reason) {
    const withdrawn = WITHDRAWN.get(reason);
    if (withdrawn !== undefined) {
      reader.handleLost();
      reader.handleRefused();
      this.#out.tell({ kind: 'error', error: withdrawn });
      return;
    }
    this.#close(reader);
    // It may have opened since, and `system` may have told so before this came.
    this.#askAgain(reader);
  }

  /** @param {RoomReader} reader */
  #close(reader) {
    const { room } = reader;
    if ([...this.#requests.values()].some((request) => request.room === room)) {
      // It may still come to the server, and find the room open again.
      this.#forget(room);
      this.#astray.add(room);
    }
    if (reader.handleUnknown()) {
      this.#out.tell({ kind: 'closed', room });
    }
  }

  /** @param {Delivery[]} deliveries */
  #deliver(deliveries) {
    for (const delivery of deliveries) {
      this.#out.tell(delivery);
      if (delivery.kind !== 'gap' && delivery.room === SYSTEM) {
        this.#noteRooms(delivery.events);
      }
    }
  }

  /** @param {Event[]} events */
  #noteRooms(events) {
    for (const { type, data } of events) {
      const reader = type === 'room:status' && data.state === 'open' && this.#readers.get(data.room);
      if (reader && reader.phase === 'unknown') {
        this.#askAgain(reader);
      }
    }
  }

  /** @param {RoomReader} reader of a room that was closed, and may be open */
  #askAgain(reader) {
    // Without a connection the next poll asks for it.
    reader.handleLost();
    if (this.#open) {
      if (this.#astray.delete(reader.room)) {
        this.#out.send(unsubscribe(this.#out.nextId(), reader.room));
      }
      this.#restore(reader);
    }
  }

  /** @param {RoomReader} reader */
  #restore(reader) {
    for (const request of reader.restore()) {
      this.#subscribe(reader, request);
    }
  }

  /**
   * @param {RoomReader} reader
   * @param {Filter[]} added
   * @param {Filter[]} removed
   * @param {boolean} whole nothing of the room is wanted any more
   */
  #change(reader, added, removed, whole) {
    if (whole) {
      this.#forget(reader.room);
      this.#out.send(unsubscribe(this.#out.nextId(), reader.room));
      return;
    }
    // What is added comes first: the room is never without a filter, so its reading goes on.
    if (added.length > 0) {
      this.#subscribe(reader, { filters: added, since: undefined });
    }
    for (const filter of removed) {
      this.#out.send(unsubscribe(this.#out.nextId(), reader.room, filter));
    }
  }

  /**
   * @param {RoomReader} reader
   * @param {Request} request
   */
  #subscribe(reader, { filters, since }) {
    const id = this.#out.nextId();
    this.#requests.set(id, { room: reader.room, filters, since });
    reader.handleAsked();
    this.#out.send(subscribe(id, reader.room, filters, since));
  }

  /** @param {string} room */
  #forget(room) {
    for (const [id, request] of this.#requests) {
      if (request.room === room) {
        this.#requests.delete(id);
      }
    }
    this.#delayed = this.#delayed.filter((request) => request.room !== room);
  }
}

const SYSTEM = 'system';
const RATE_LIMITED_MS = 1_000;

/** @type {Map<string, ErrorData>} what it means that the server ends a room that is still there */
const WITHDRAWN = new Map([
  ['forbidden', { code: 'forbidden', message: 'the rights to read this room were withdrawn' }],
  ['superseded', { code: 'conflict', message: 'another connection reads this stream now' }],
]);
