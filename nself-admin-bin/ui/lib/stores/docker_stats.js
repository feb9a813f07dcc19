// What each service uses: the last 60 samples, the sum over its containers. Time without samples is a
// hole in the line, never a zero. What is silent for long is forgotten once there is something new.

import { Store } from '../store.js';
import { covers } from '../filter.js';
import { closedBy } from './rooms.js';

/** @import { SessionEvent } from '../session.js' */
/** @import { Event } from '../frames.js' */

const TYPE = 'docker:stats';
export const KEPT_POINTS = 60;
/** What has no sample for so long is not held any more. */
export const KEPT_MS = 15 * 60_000;
/** Samples farther apart are not one line, and after so long the last one says nothing any more. */
export const HOLE_MS = 5_000;
// The clock ticks once a second, so a sample may look that much older than it is.
const SLACK_MS = 1_000;
// Samples of one service's containers that are closer than this are one point.
const SAME_POINT_MS = 500;

/**
 * What was not measured is absent.
 * @typedef {{containerId: string, containerName: string, service?: string,
 *   stats: {cpu?: number, memory?: number, memoryLimit?: number, memoryPercent?: number,
 *     network?: {rx: number, tx: number}, blockIO?: {read: number, write: number},
 *     pids?: number, onlineCpus?: number}}} Sample
 */

/**
 * @typedef {{at: number, cpu: number | undefined, memory: number | undefined,
 *   memoryLimit: number | undefined}} Point `at` by the server's clock, in ms since 1970
 * @typedef {{points: readonly Point[]}} Usage
 * @typedef {{points: Point[], containers: Map<string, Point>}} Held
 * @typedef {ReadonlyMap<string, ReadonlyMap<string, Usage>>} DockerStats by room and service
 */

/** @extends {Store<DockerStats>} */
export class DockerStatsStore extends Store {
  /** @type {Map<string, Map<string, Held>>} */
  #rooms = new Map();

  constructor() {
    super(() => new Map([...this.#rooms].map(([room, services]) => [room, new Map(services)])));
  }

  /** @param {SessionEvent} event */
  handle(event) {
    if (closedBy(event).filter((room) => this.#rooms.delete(room)).length > 0) {
      this.changed();
    }
    if (event.kind === 'snapshot' || event.kind === 'events') {
      const told = event.events.filter(({ type }) => type === TYPE);
      const replaces = event.kind === 'snapshot' && covers(event.filters, TYPE, '');
      if (replaces) {
        this.#rooms.delete(event.room);
      }
      for (const sample of told) {
        this.#add(event.room, sample);
      }
      if (replaces || told.length > 0) {
        this.changed();
      }
    }
  }

  /**
   * @param {string} room
   * @param {Event} sample
   */
  #add(room, { timestamp, data }) {
    const at = Date.parse(timestamp);
    const { containerId, containerName, service, stats } = /** @type {Sample} */ (data);
    const { cpu, memory, memoryLimit } = stats;
    const services = entry(this.#rooms, room, () => new Map());
    const held = entry(services, service ?? containerName, () => {
      this.#forgetSilent(at);
      return { points: [], containers: new Map() };
    });
    held.containers.set(containerId, { at, cpu, memory, memoryLimit });
    const point = sum(held.containers, at);
    const last = held.points.at(-1);
    if (last !== undefined && held.containers.size > 1 && at - last.at < SAME_POINT_MS) {
      held.points[held.points.length - 1] = { ...point, at: last.at };
    } else {
      held.points.push(point);
    }
    if (held.points.length > KEPT_POINTS) {
      held.points.shift();
    }
  }

  /** @param {number} now */
  #forgetSilent(now) {
    for (const services of this.#rooms.values()) {
      for (const [service, { points }] of services) {
        if (now - (points.at(-1)?.at ?? now) > KEPT_MS) {
          services.delete(service);
        }
      }
    }
  }
}

/**
 * Whether a sample still says how it is.
 * @param {{at: number}} sample
 * @param {number} now by the server's clock
 */
export function isCurrent({ at }, now) {
  return now - at < HOLE_MS + SLACK_MS;
}

/**
 * @param {Map<string, Point>} containers
 * @param {number} at
 * @returns {Point}
 */
function sum(containers, at) {
  /** @type {Point} */
  const total = { at, cpu: undefined, memory: undefined, memoryLimit: undefined };
  for (const [id, point] of containers) {
    if (at - point.at > HOLE_MS) {
      containers.delete(id);
      continue;
    }
    for (const figure of /** @type {const} */ (['cpu', 'memory', 'memoryLimit'])) {
      const value = point[figure];
      if (value !== undefined) {
        total[figure] = (total[figure] ?? 0) + value;
      }
    }
  }
  return total;
}

/**
 * @template K, V
 * @param {Map<K, V>} map
 * @param {K} key
 * @param {() => V} make
 * @returns {V}
 */
function entry(map, key, make) {
  const held = map.get(key);
  if (held !== undefined) {
    return held;
  }
  const made = make();
  map.set(key, made);
  return made;
}
