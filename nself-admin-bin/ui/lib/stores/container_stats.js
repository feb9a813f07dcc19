// What each container uses: its samples of the last 15 minutes, as far as they were kept or came while the
// page was open. What the engine counts since the container's start becomes a rate.

import { Store } from '../store.js';
import { covers } from '../filter.js';
import { HOLE_MS, KEPT_MS } from './docker_stats.js';
import { closedBy } from './rooms.js';

/** @import { SessionEvent } from '../session.js' */
/** @import { Event } from '../frames.js' */
/** @import { Sample } from './docker_stats.js' */

const TYPE = 'docker:stats';

/**
 * Rates in bytes a second; what was not measured is absent.
 * @typedef {{at: number, cpu?: number, memory?: number, memoryLimit?: number, rx?: number, tx?: number,
 *   read?: number, write?: number, pids?: number}} Measure `at` by the server's clock
 * @typedef {{room: string, id: string, name: string, service: string, measures: readonly Measure[]}} Container
 * @typedef {{container: Container, measures: Measure[], last: Sample['stats'] | undefined}} Held
 */

/** @extends {Store<readonly Container[]>} */
export class ContainerStatsStore extends Store {
  /** @type {Map<string, Held>} by room and container */
  #held = new Map();

  constructor() {
    super(() =>
      [...this.#held.values()].map(({ container, measures }) => ({ ...container, measures })).sort(byName),
    );
  }

  /** @param {SessionEvent} event */
  handle(event) {
    const closed = closedBy(event);
    if (closed.length > 0) {
      this.#forget(({ container }) => closed.includes(container.room));
      this.changed();
    }
    if (event.kind !== 'snapshot' && event.kind !== 'events') {
      return;
    }
    const told = event.events.filter(({ type }) => type === TYPE);
    const replaces = event.kind === 'snapshot' && event.reset && covers(event.filters, TYPE, undefined);
    if (replaces) {
      this.#forget(({ container }) => container.room === event.room);
    }
    for (const sample of told) {
      this.#add(event.room, sample);
    }
    if (replaces || told.length > 0) {
      this.changed();
    }
  }

  /** @param {(held: Held) => boolean} isGone */
  #forget(isGone) {
    for (const [key, held] of this.#held) {
      if (isGone(held)) {
        this.#held.delete(key);
      }
    }
  }

  /**
   * @param {string} room
   * @param {Event} event
   */
  #add(room, { timestamp, data }) {
    const { containerId, containerName, service, stats } = /** @type {Sample} */ (data);
    const at = Date.parse(timestamp);
    const key = `${room}/${containerId}`;
    const known = this.#held.get(key);
    if (known === undefined) {
      // One that is silent for long is forgotten when another comes: so they do not pile up.
      this.#forget(({ measures }) => at - (measures.at(-1)?.at ?? at) > KEPT_MS);
    }
    const held = known ?? {
      container: { room, id: containerId, name: containerName, service: service ?? containerName, measures: [] },
      measures: [],
      last: undefined,
    };
    this.#held.set(key, held);
    const before = held.measures.at(-1);
    if (before !== undefined && at <= before.at) {
      // A snapshot tells again what is held.
      return;
    }
    held.measures.push(measureOf(at, stats, before, held.last));
    held.last = stats;
    const old = held.measures.findIndex((measure) => at - measure.at <= KEPT_MS);
    if (old > SLACK) {
      held.measures = held.measures.slice(old);
    }
  }
}

const SLACK = 30;

/**
 * @param {number} at
 * @param {Sample['stats']} stats
 * @param {Measure | undefined} before
 * @param {Sample['stats'] | undefined} last
 * @returns {Measure}
 */
function measureOf(at, stats, before, last) {
  const seconds = before === undefined || at - before.at > HOLE_MS ? undefined : (at - before.at) / 1_000;
  const rate = (/** @type {number | undefined} */ now, /** @type {number | undefined} */ then) =>
    now === undefined || then === undefined || seconds === undefined || now < then ? undefined : (now - then) / seconds;
  return {
    at,
    cpu: stats.cpu,
    memory: stats.memory,
    memoryLimit: stats.memoryLimit,
    rx: rate(stats.network?.rx, last?.network?.rx),
    tx: rate(stats.network?.tx, last?.network?.tx),
    read: rate(stats.blockIO?.read, last?.blockIO?.read),
    write: rate(stats.blockIO?.write, last?.blockIO?.write),
    pids: stats.pids,
  };
}

/**
 * @param {Container} a
 * @param {Container} b
 */
function byName(a, b) {
  return a.name + a.id < b.name + b.id ? -1 : 1;
}
