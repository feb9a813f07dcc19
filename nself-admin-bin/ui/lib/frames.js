// The frames of protocol `nself.v1`: how the client's are written and how the server's are read. A
// frame whose type is unknown is skipped, so that a later server can say more; one that lacks what
// its type must have is an error and reaches nobody.

import { formatCursor } from './cursor.js';

/** @import { Cursor } from './cursor.js' */
/** @import { Filter } from './filter.js' */

/**
 * @typedef {{type: string, seq: number, timestamp: string, room?: string, data: any}} Event
 * @typedef {{session: string, secret: string}} Identity
 * @typedef {'fresh' | 'full' | 'gap' | 'reset'} Recovered
 * @typedef {{type: string, key?: string, missed: number}} GapPart
 * @typedef {{from: number, to: number, missed: number, why: string, of: GapPart[]}} Gap
 * @typedef {{code: string, message: string, field?: string, retryAfterMs?: number}} ErrorData
 * @typedef {{page: string, idle: boolean}} Looking
 */

/**
 * @typedef {{type: 'event', room: string, events: Event[]}} EventsFrame one event, or a batch
 * @typedef {{type: 'welcome', data: {sessionId: string, secret: string, serverTime: string,
 *   heartbeatMs: number, heartbeatTimeoutMs: number}}} WelcomeFrame
 * @typedef {{type: 'subscribed', id?: number, room: string,
 *   data: {epoch: string, cursor: string, recovered: Recovered}}} SubscribedFrame
 * @typedef {{type: 'snapshot', id?: number, room: string, events: Event[]}} SnapshotFrame
 * @typedef {{type: 'ready', id?: number, room: string, data: {cursor: string}}} ReadyFrame
 * @typedef {{type: 'cursor', room: string, data: {cursor: string}}} CursorFrame
 * @typedef {{type: 'gap', room: string, data: Gap}} GapFrame
 * @typedef {{type: 'unsubscribed', id?: number, room: string, data: {reason: string}}} UnsubscribedFrame
 * @typedef {{type: 'pong', id?: number, data?: {serverTime?: string}}} PongFrame
 * @typedef {{type: 'heartbeat'}} HeartbeatFrame
 * @typedef {{type: 'error', id?: number, data: ErrorData}} ErrorFrame
 * @typedef {{type: 'closing', data: {code: number, reason: string, retryAfterMs?: number}}} ClosingFrame
 * @typedef {{type: 'session:expiring',
 *   data: {expiresAt: string, secondsLeft: number, renewable: boolean}}} ExpiringFrame
 * @typedef {EventsFrame | WelcomeFrame | SubscribedFrame | SnapshotFrame | ReadyFrame | CursorFrame
 *   | GapFrame | UnsubscribedFrame | PongFrame | HeartbeatFrame | ErrorFrame | ClosingFrame
 *   | ExpiringFrame} ServerFrame
 */

export const SUBPROTOCOL = 'nself.v1';

/** A text from the server that is no frame of the protocol. */
export class InvalidFrame extends Error {}

/**
 * Reads a frame; `undefined` if its type is unknown.
 * @param {string} text
 * @returns {ServerFrame | undefined}
 * @throws {InvalidFrame} names what is missing
 */
export function parseFrame(text) {
  const frame = parseObject(text);
  if ('seq' in frame) {
    demand(frame, 'an event', EVENT);
    demand(frame, 'an event', { room: 'string' });
    return { type: 'event', room: frame.room, events: [frame] };
  }
  if (frame.type === 'batch') {
    demand(frame, 'batch', { room: 'string', events: 'events' });
    return { type: 'event', room: frame.room, events: frame.events };
  }
  const shape = Object.hasOwn(SHAPES, frame.type) ? SHAPES[frame.type] : undefined;
  if (shape === undefined) {
    return undefined;
  }
  demand(frame, frame.type, shape.frame ?? {});
  if (shape.data !== undefined) {
    demand(frame.data ?? {}, `data of ${frame.type}`, shape.data);
  }
  return frame;
}

/** @param {Identity} identity */
export function hello(identity) {
  return JSON.stringify({ type: 'hello', data: identity });
}

/**
 * @param {number} id
 * @param {string} room
 * @param {readonly Filter[]} filters
 * @param {Cursor | undefined} since
 */
export function subscribe(id, room, filters, since) {
  const data = since === undefined ? { filters } : { filters, since: formatCursor(since) };
  return JSON.stringify({ type: 'subscribe', id, room, data });
}

/**
 * Ends one filter, or the whole room if none is given.
 * @param {number} id
 * @param {string} room
 * @param {Filter} [filter]
 */
export function unsubscribe(id, room, filter) {
  const data = filter && { types: filter.types, keys: filter.keys };
  return JSON.stringify({ type: 'unsubscribe', id, room, data });
}

/** @param {number} id */
export function ping(id) {
  return JSON.stringify({ type: 'ping', id });
}

/**
 * What this session looks at, for those who see that it is here.
 * @param {Looking} looking
 */
export function presence(looking) {
  return JSON.stringify({ type: 'presence', data: looking });
}

/** The answer to a heartbeat. */
export function pong() {
  return JSON.stringify({ type: 'pong' });
}

/** @typedef {Record<string, 'string' | 'number' | 'boolean' | 'events' | 'list'>} Shape */

/** @type {Shape} */
const EVENT = { type: 'string', seq: 'number', timestamp: 'string' };

/** @type {Record<string, {frame?: Shape, data?: Shape}>} */
const SHAPES = {
  welcome: {
    data: {
      sessionId: 'string',
      secret: 'string',
      serverTime: 'string',
      heartbeatMs: 'number',
      heartbeatTimeoutMs: 'number',
    },
  },
  subscribed: {
    frame: { room: 'string' },
    data: { epoch: 'string', cursor: 'string', recovered: 'string' },
  },
  snapshot: { frame: { room: 'string', events: 'events' } },
  ready: { frame: { room: 'string' }, data: { cursor: 'string' } },
  cursor: { frame: { room: 'string' }, data: { cursor: 'string' } },
  gap: { frame: { room: 'string' }, data: { missed: 'number', of: 'list' } },
  unsubscribed: { frame: { room: 'string' }, data: { reason: 'string' } },
  pong: {},
  heartbeat: {},
  error: { data: { code: 'string', message: 'string' } },
  closing: { data: { code: 'number', reason: 'string' } },
  'session:expiring': { data: { expiresAt: 'string', secondsLeft: 'number', renewable: 'boolean' } },
};

/**
 * Reads a JSON object from the server.
 * @param {string} text
 * @returns {any}
 * @throws {InvalidFrame}
 */
export function parseObject(text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidFrame('a frame from the server is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidFrame('a frame from the server is not an object');
  }
  return value;
}

/**
 * Demands that a value from the server has these fields.
 * @param {any} value
 * @param {string} what
 * @param {Shape} shape
 * @throws {InvalidFrame} names what is missing
 */
export function demand(value, what, shape) {
  for (const [field, kind] of Object.entries(shape)) {
    const held = value[field];
    const isList = kind === 'events' || kind === 'list';
    if (isList ? !Array.isArray(held) : typeof held !== kind) {
      throw new InvalidFrame(`${what} from the server lacks \`${field}\``);
    }
    if (kind === 'events') {
      for (const event of held) {
        demand(event, `an event in ${what}`, EVENT);
      }
    }
  }
}
