// Pages over all projects read every open room, and follow as rooms open and close. What costs the engine
// something is read while somebody looks.

import { whileSeen } from '../lib/view/seen.js';

/** @import { Client } from '../lib/client.js' */
/** @import { Filter } from '../lib/filter.js' */
/** @import { RoomsStore } from '../lib/stores/rooms.js' */

/**
 * @param {Client} client
 * @param {RoomsStore} rooms
 * @param {{always: readonly Filter[], seen: readonly Filter[]}} filters `seen`: only while the page is
 * @returns {() => void} ends it
 */
export function readOpenRooms(client, rooms, { always, seen }) {
  /** @type {Set<string>} */
  let reading = new Set();
  let filters = [...always, ...seen];
  const follow = () => {
    const open = new Set(rooms.getSnapshot().open.map(({ room }) => room));
    for (const room of reading.difference(open)) {
      client.read(room, []);
    }
    for (const room of open.difference(reading)) {
      client.read(room, filters);
    }
    reading = open;
  };
  const endFollowing = rooms.subscribe(follow);
  const endSeeing = whileSeen((isSeen) => {
    filters = isSeen ? [...always, ...seen] : [...always];
    for (const room of reading) {
      client.read(room, filters);
    }
  });
  follow();
  return () => {
    endFollowing();
    endSeeing();
    for (const room of reading) {
      client.read(room, []);
    }
  };
}
