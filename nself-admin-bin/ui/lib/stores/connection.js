// Whether the page hears from the server: the session's state in calendar time, for the badge and for
// everything that must say how old it is.

import { Store } from '../store.js';

/** @import { State } from '../session.js' */

/**
 * `current`: what is shown is what there is; else it is as of `lostAt`.
 * @typedef {{state: State['name'], current: boolean, color: 'green' | 'yellow' | 'red', since: number,
 *   lostAt: number | undefined, attempt: number, nextAttemptAt: number | undefined,
 *   reason: string | undefined}} Connection times in milliseconds since 1970
 */

/** @type {Record<State['name'], Connection['color']>} */
const COLORS = {
  connecting: 'yellow',
  live: 'green',
  reconnecting: 'yellow',
  polling: 'red',
  unreachable: 'red',
  signedOut: 'red',
  closed: 'red',
};

/** @extends {Store<Connection>} */
export class ConnectionStore extends Store {
  /** @type {Connection} */
  #connection;

  /** @param {number} now */
  constructor(now) {
    super(() => this.#connection);
    this.#connection = describe({ name: 'connecting' }, now, 0);
  }

  /**
   * @param {State} state
   * @param {number} now in milliseconds since 1970
   * @param {number} clockOffsetMs what lies between the session's clock and that
   */
  handleState(state, now, clockOffsetMs) {
    const former = this.#connection;
    this.#connection = describe(state, now, clockOffsetMs);
    if (former.state === state.name) {
      this.#connection.since = former.since;
    }
    if (!this.#connection.current) {
      this.#connection.lostAt = former.current ? now : former.lostAt;
    }
    this.changed();
  }
}

/**
 * @param {State} state
 * @param {number} now
 * @param {number} clockOffsetMs
 * @returns {Connection}
 */
function describe(state, now, clockOffsetMs) {
  const away = 'attempt' in state ? state : undefined;
  return {
    state: state.name,
    current: state.name === 'live' || state.name === 'polling',
    color: COLORS[state.name],
    since: now,
    lostAt: undefined,
    attempt: away?.attempt ?? 0,
    nextAttemptAt: away?.nextAttemptAt === undefined ? undefined : away.nextAttemptAt + clockOffsetMs,
    reason: 'reason' in state ? state.reason : undefined,
  };
}
