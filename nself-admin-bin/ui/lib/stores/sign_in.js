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
  /** Somebody is signing out: that the sign-in ends is what they want. */
  leaving = false;

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
    const asked = { ...ending, asking: true, failure: undefined };
    this.#set(asked);
    try {
      await this.#renew();
      this.#answered(asked, undefined);
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      this.#answered(asked, { ...ending, asking: false, failure: error.message });
    }
  }

  /**
   * What is told over the socket may come before the answer, and then is newer.
   * @param {Ending} asked
   * @param {Ending | undefined} ending
   */
  #answered(asked, ending) {
    if (this.#ending === asked) {
      this.#set(ending);
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
