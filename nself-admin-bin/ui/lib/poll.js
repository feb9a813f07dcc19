// A poll as it stands on the wire: one request for all rooms, and what the server answers.

import { formatCursor } from './cursor.js';
import { demand, InvalidFrame, parseObject } from './frames.js';

/** @import { Cursor } from './cursor.js' */
/** @import { Filter } from './filter.js' */
/** @import { ErrorData, Event, Gap, Recovered } from './frames.js' */

/**
 * @typedef {{room: string, filters: Filter[], since: Cursor | undefined}} PollSubscription
 * @typedef {{room: string, epoch: string, cursor: string, recovered: Recovered, snapshot: Event[],
 *   gaps: Gap[], events: Event[], more: boolean}} PolledRoom
 */

/**
 * @param {number} waitMs
 * @param {readonly PollSubscription[]} subscriptions
 */
export function pollBody(waitMs, subscriptions) {
  return JSON.stringify({
    waitMs,
    subscriptions: subscriptions.map(({ room, filters, since }) =>
      since === undefined ? { room, filters } : { room, filters, since: formatCursor(since) },
    ),
  });
}

/**
 * @param {string} text
 * @returns {PolledRoom[]}
 * @throws {InvalidFrame} names what is missing
 */
export function parsePolled(text) {
  const { rooms } = parseObject(text);
  if (!Array.isArray(rooms)) {
    throw new InvalidFrame('a poll from the server lacks `rooms`');
  }
  for (const room of rooms) {
    demand(room ?? {}, 'a polled room', ROOM);
  }
  return rooms;
}

/**
 * Why a request was refused; `undefined` if the answer does not say so in the protocol's form.
 * @param {string} text
 * @returns {ErrorData | undefined}
 */
export function parseRefusal(text) {
  try {
    const { error } = parseObject(text);
    demand(error ?? {}, 'an error', { code: 'string', message: 'string' });
    return error;
  } catch (error) {
    if (!(error instanceof InvalidFrame)) {
      throw error;
    }
    return undefined;
  }
}

/**
 * Which subscription of the request an error is about.
 * @param {ErrorData} error
 */
export function refusedIndex({ field }) {
  const [, digits] = /^\/subscriptions\/(\d+)(\/|$)/.exec(field ?? '') ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** @type {import('./frames.js').Shape} */
const ROOM = {
  room: 'string',
  cursor: 'string',
  recovered: 'string',
  snapshot: 'events',
  gaps: 'list',
  events: 'events',
  more: 'boolean',
};
