// Which rooms there are, as the room `system` tells. Until its first snapshot nobody knows.

import { Store } from '../store.js';
import { covers } from '../filter.js';

/** @import { SessionEvent } from '../session.js' */

const TYPE = 'room:status';

/**
 * @typedef {{room: string, state: 'open' | 'closed', title?: string, services?: number}} Room
 * @typedef {{known: boolean, open: Room[]}} Rooms by name, the containers outside any project last
 */

/** @extends {Store<Rooms>} */
export class RoomsStore extends Store {
  /** @type {Map<string, Room>} */
  #rooms = new Map();
  #known = false;

  constructor() {
    super(() => ({ known: this.#known, open: [...this.#rooms.values()].sort(byName) }));
  }

  /** @param {SessionEvent} event */
  handle(event) {
    if ((event.kind !== 'events' && event.kind !== 'snapshot') || event.room !== 'system') {
      return;
    }
    const replaces = event.kind === 'snapshot' && covers(event.filters, TYPE, '');
    if (replaces) {
      this.#rooms.clear();
      this.#known = true;
    }
    const told = event.events.filter(({ type }) => type === TYPE);
    for (const { data } of told) {
      if (data.state === 'open') {
        this.#rooms.set(data.room, data);
      } else {
        this.#rooms.delete(data.room);
      }
    }
    if (replaces || told.length > 0) {
      this.changed();
    }
  }
}

/**
 * The rooms that an event says are no more. Of those that nobody reads `system` tells.
 * @param {SessionEvent} event
 * @returns {string[]}
 */
export function closedBy(event) {
  if (event.kind === 'closed') {
    return [event.room];
  }
  if (event.kind !== 'events' || event.room !== 'system') {
    return [];
  }
  return event.events.filter(({ type, data }) => type === TYPE && data.state === 'closed').map(({ data }) => data.room);
}

/**
 * @param {Room} a
 * @param {Room} b
 */
function byName(a, b) {
  return Number(a.room === 'standalone') - Number(b.room === 'standalone') || (a.room < b.room ? -1 : 1);
}
