// The latest status of each service, by room. A snapshot replaces what its filters cover: a service that
// is not in it is gone.

import { Store } from '../store.js';
import { covers } from '../filter.js';

/** @import { SessionEvent } from '../session.js' */

const TYPE = 'service:status';

/**
 * @typedef {'created' | 'starting' | 'running' | 'unhealthy' | 'restarting' | 'paused' | 'stopping'
 *   | 'stopped' | 'failed' | 'removed'} Status
 * @typedef {{service: string, status: Status, containerId?: string, image?: string,
 *   replicas?: {running: number, total: number},
 *   health?: {status: 'starting' | 'healthy' | 'unhealthy', lastCheck?: string,
 *     failingStreak?: number, output?: string},
 *   exitCode?: number, oomKilled?: boolean, restartCount?: number, startedAt?: string,
 *   ports?: {container: number, host: number, address?: string, protocol: string}[],
 *   message?: string}} ServiceStatus
 * @typedef {ReadonlyMap<string, ReadonlyMap<string, ServiceStatus>>} ServiceStatuses by room and
 *   service; a room is absent until its first snapshot
 */

/** @extends {Store<ServiceStatuses>} */
export class ServiceStatusStore extends Store {
  /** @type {Map<string, Map<string, ServiceStatus>>} */
  #rooms = new Map();

  constructor() {
    super(() => new Map(this.#rooms));
  }

  /** @param {SessionEvent} event */
  handle(event) {
    if (event.kind === 'closed') {
      this.#rooms.delete(event.room);
      this.changed();
    } else if (event.kind === 'snapshot' || event.kind === 'events') {
      const told = event.events.filter(({ type }) => type === TYPE);
      const replaced = event.kind === 'snapshot' ? this.#replaced(event) : undefined;
      if (told.length > 0 || replaced !== undefined) {
        const services = replaced ?? new Map(this.#rooms.get(event.room));
        for (const { data } of told) {
          if (data.status === 'removed') {
            services.delete(data.service);
          } else {
            services.set(data.service, data);
          }
        }
        this.#rooms.set(event.room, services);
        this.changed();
      }
    }
  }

  /**
   * What is left of a room when a snapshot comes; `undefined` if it is not about this type.
   * @param {Extract<SessionEvent, {kind: 'snapshot'}>} snapshot
   */
  #replaced({ room, filters }) {
    if (!filters.some(({ types }) => types?.includes(TYPE) ?? true)) {
      return undefined;
    }
    const held = [...(this.#rooms.get(room) ?? [])];
    return new Map(held.filter(([service]) => !covers(filters, TYPE, service)));
  }
}
