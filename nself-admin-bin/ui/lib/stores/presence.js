// Who else is here: one entry for each session, and what it looks at. Of too many only their number is
// told, in the entry of a session `*`.

import { Store } from '../store.js';
import { covers } from '../filter.js';

/** @import { SessionEvent } from '../session.js' */

const TYPE = 'presence';

/**
 * @typedef {{sessionId: string, user: string, state: 'join' | 'update' | 'leave', page?: string,
 *   idle?: boolean, count?: number}} Presence
 */

/** @extends {Store<readonly Presence[]>} */
export class PresenceStore extends Store {
  /** @type {Map<string, Presence>} */
  #sessions = new Map();
  /** @type {string | undefined} */
  #own;

  constructor() {
    super(() =>
      [...this.#sessions.values()]
        .filter(({ sessionId }) => sessionId !== this.#own)
        .sort((a, b) => (a.user + a.sessionId < b.user + b.sessionId ? -1 : 1)),
    );
  }

  /** @param {SessionEvent} event */
  handle(event) {
    if (event.kind === 'welcome') {
      this.#own = event.identity.session;
      this.changed();
      return;
    }
    if ((event.kind !== 'events' && event.kind !== 'snapshot') || event.room !== 'system') {
      return;
    }
    const replaces = event.kind === 'snapshot' && covers(event.filters, TYPE, undefined);
    if (replaces) {
      this.#sessions.clear();
    }
    const told = event.events.filter(({ type }) => type === TYPE);
    for (const { data } of told) {
      if (data.state === 'leave') {
        this.#sessions.delete(data.sessionId);
      } else {
        this.#sessions.set(data.sessionId, data);
      }
    }
    if (replaces || told.length > 0) {
      this.changed();
    }
  }
}
