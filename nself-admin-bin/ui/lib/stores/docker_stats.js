// What each service uses: the last 60 samples, the sum over its containers. Time without samples is a
// hole in the line, never a zero.

import { Store } from '../store.js';
import { covers } from '../filter.js';

/** @import { SessionEvent } from '../session.js' */
/** @import { Event } from '../frames.js' */

const TYPE = 'docker:stats';
export const KEPT_POINTS = 60;
/** Without a sample for so long, the last one says nothing any more. */
export const STALE_MS = 5_000;
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
    if (event.kind === 'closed') {
      this.#rooms.delete(event.room);
      this.changed();
    } else if (event.kind === 'snapshot' || event.kind === 'events') {
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
    const held = entry(services, service ?? containerName, () => ({
      points: [],
      containers: new Map(),
    }));
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
    if (at - point.at > STALE_MS) {
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
