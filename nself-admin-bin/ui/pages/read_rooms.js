// Pages over all projects read every open room, and follow as rooms open and close.

/** @import { Client } from '../lib/client.js' */
/** @import { Filter } from '../lib/filter.js' */
/** @import { RoomsStore } from '../lib/stores/rooms.js' */

/**
 * @param {Client} client
 * @param {RoomsStore} rooms
 * @param {readonly Filter[]} filters
 * @returns {() => void} ends it
 */
export function readOpenRooms(client, rooms, filters) {
  /** @type {Set<string>} */
  let reading = new Set();
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
  const end = rooms.subscribe(follow);
  follow();
  return () => {
    end();
    for (const room of reading) {
      client.read(room, []);
    }
  };
}
