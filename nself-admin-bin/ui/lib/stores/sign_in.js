// Whether the sign-in ends soon, and staying signed in: in this tab, or in another one that has the same
// sign-in.

import { renewSession, RequestError } from '../api.js';
import { Store } from '../store.js';

/** @import { SessionEvent } from '../session.js' */

/**
 * `endsAt` by this page's clock, in milliseconds since 1970; `expiresAt` by the server's.
 * @typedef {{endsAt: number, expiresAt: string, renewable: boolean, asking: boolean, failure: string | undefined}} Ending
 */

/** @extends {Store<Ending | undefined>} */
export class SignInStore extends Store {
  /** @type {Ending | undefined} */
  #ending;
  #renew;
  #tabs;
  /** Somebody is signing out: that the sign-in ends is what they want. */
  leaving = false;

  /**
   * @param {typeof renewSession} [renew]
   * @param {Pick<BroadcastChannel, 'onmessage' | 'postMessage'>} [tabs] the others of this browser
   */
  constructor(renew = renewSession, tabs = new BroadcastChannel('nself.renewed')) {
    super(() => this.#ending);
    this.#renew = renew;
    this.#tabs = tabs;
    tabs.onmessage = ({ data }) => this.#renewed(data);
  }

  /**
   * @param {SessionEvent} event
   * @param {number} now
   */
  handle(event, now) {
    if (event.kind === 'expiring') {
      const { expiresAt, secondsLeft, renewable } = event.expiring;
      this.#set({ endsAt: now + secondsLeft * 1_000, expiresAt, renewable, asking: false, failure: undefined });
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
      const { expiresAt } = await this.#renew();
      this.#renewed(expiresAt);
      this.#tabs.postMessage(expiresAt);
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      if (this.#ending === asked) {
        this.#set({ ...ending, asking: false, failure: error.message });
      }
    }
  }

  /**
   * It ends later now. Of the new end the socket may have told already.
   * @param {string | null | undefined} expiresAt
   */
  #renewed(expiresAt) {
    if (Date.parse(this.#ending?.expiresAt ?? '') < Date.parse(expiresAt ?? '')) {
      this.#set(undefined);
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
