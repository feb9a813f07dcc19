// Whether the container engine answers, as the room `system` tells.

import { Store } from '../store.js';

/** @import { SessionEvent } from '../session.js' */

/**
 * @typedef {{engine: string, status: 'online' | 'offline' | 'connecting', version?: string,
 *   apiVersion?: string, message?: string}} EngineStatus
 */

/**
 * `away`: it does not answer, or did not and has not yet again. The very first `connecting` is no
 * loss.
 * @typedef {{status: EngineStatus['status'] | undefined, away: boolean,
 *   version?: string, message?: string}} Engine
 */

/** @extends {Store<Engine>} */
export class EngineStore extends Store {
  /** @type {Engine} */
  #engine = { status: undefined, away: false };

  constructor() {
    super(() => this.#engine);
  }

  /** @param {SessionEvent} event */
  handle(event) {
    if ((event.kind !== 'events' && event.kind !== 'snapshot') || event.room !== 'system') {
      return;
    }
    for (const { type, data } of event.events) {
      if (type === 'engine:status') {
        const { status, version, message } = /** @type {EngineStatus} */ (data);
        const known = this.#engine.status !== undefined && this.#engine.status !== 'connecting';
        const away = status === 'offline' || (status === 'connecting' && (known || this.#engine.away));
        // While it is being asked again, the reason that was told last is still the reason.
        this.#engine = { status, away, version, message: message ?? (away ? this.#engine.message : undefined) };
        this.changed();
      }
    }
  }
}
