// What this page has asked of services and what was refused, until a service's next status says how it
// went.

import { Store } from '../store.js';
import { act, RequestError } from '../api.js';

/** @import { ServiceAction } from '../api.js' */
/** @import { Status } from './service_status.js' */
/** @import { SessionEvent } from '../session.js' */

/** @type {Record<ServiceAction, Status>} the status that an action begins with */
const BEGINS = { start: 'starting', stop: 'stopping', restart: 'restarting' };
// An accepted action whose status does not come is the socket's affair, no longer the button's.
const PATIENCE_MS = 3_000;

/** @typedef {{status: Status | undefined, refusal: string | undefined}} Asked */

/** @extends {Store<ReadonlyMap<string, Asked>>} */
export class ActionsStore extends Store {
  /** @type {Map<string, Asked>} */
  #asked = new Map();
  #act;

  /** @param {typeof act} [send] */
  constructor(send = act) {
    super(() => new Map(this.#asked));
    this.#act = send;
  }

  /**
   * @param {string} room
   * @param {string} service
   */
  of(room, service) {
    return this.getSnapshot().get(nameOf(room, service));
  }

  /**
   * Asks for an action: until the engine's word the service counts as what the action begins with.
   * @param {string} room
   * @param {string} service
   * @param {ServiceAction} action
   */
  async ask(room, service, action) {
    const name = nameOf(room, service);
    /** @type {Asked} */
    const asked = { status: BEGINS[action], refusal: undefined };
    this.#set(name, asked);
    try {
      await this.#act(room, service, action);
      setTimeout(() => this.#end(name, asked), PATIENCE_MS);
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      this.#set(name, { status: undefined, refusal: `Could not ${action}: ${error.message}` });
    }
  }

  /** @param {SessionEvent} event */
  handle(event) {
    if (event.kind === 'events') {
      for (const { type, data } of event.events) {
        if (type === 'service:status') {
          this.#end(nameOf(event.room, data.service), undefined);
        }
      }
    }
  }

  /**
   * @param {string} name
   * @param {Asked} asked
   */
  #set(name, asked) {
    this.#asked.set(name, asked);
    this.changed();
  }

  /**
   * @param {string} name
   * @param {Asked | undefined} only ends nothing but this
   */
  #end(name, only) {
    const held = this.#asked.get(name);
    if (held !== undefined && (only === undefined || held === only)) {
      this.#asked.delete(name);
      this.changed();
    }
  }
}

/**
 * @param {string} room
 * @param {string} service
 */
function nameOf(room, service) {
  return `${room}/${service}`;
}
