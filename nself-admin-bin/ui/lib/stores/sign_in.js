// Whether the sign-in ends soon, and staying signed in.

import { renewSession, RequestError } from '../api.js';
import { Store } from '../store.js';

/** @import { SessionEvent } from '../session.js' */

/**
 * `endsAt` by this page's clock, in milliseconds since 1970.
 * @typedef {{endsAt: number, renewable: boolean, asking: boolean, failure: string | undefined}} Ending
 */

/** @extends {Store<Ending | undefined>} */
export class SignInStore extends Store {
  /** @type {Ending | undefined} */
  #ending;
  #renew;

  /** @param {typeof renewSession} [renew] */
  constructor(renew = renewSession) {
    super(() => this.#ending);
    this.#renew = renew;
  }

  /**
   * @param {SessionEvent} event
   * @param {number} now
   */
  handle(event, now) {
    if (event.kind === 'expiring') {
      const { secondsLeft, renewable } = event.expiring;
      this.#set({ endsAt: now + secondsLeft * 1_000, renewable, asking: false, failure: undefined });
    } else if (event.kind === 'welcome' || (event.kind === 'state' && event.state.name === 'signedOut')) {
      this.#set(undefined);
    }
  }

  /** Stays signed in; the open socket follows. */
  async renew() {
    const ending = this.#ending;
    if (ending === undefined || ending.asking) {
      return;
    }
    this.#set({ ...ending, asking: true, failure: undefined });
    try {
      await this.#renew();
      this.#set(undefined);
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      if (this.#ending !== undefined) {
        this.#set({ ...ending, asking: false, failure: error.message });
      }
    }
  }

  /** @param {Ending | undefined} ending */
  #set(ending) {
    if (ending !== this.#ending) {
      this.#ending = ending;
      this.changed();
    }
  }
}
