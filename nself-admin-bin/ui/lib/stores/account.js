// Who the page is signed in as, and what it may do.

import { Store } from '../store.js';
import { fetchAccount, RequestError } from '../api.js';

/** @import { Account } from '../api.js' */
/** @import { SessionEvent } from '../session.js' */

/** @extends {Store<Account | undefined>} */
export class AccountStore extends Store {
  /** @type {Account | undefined} */
  #account;
  #fetch;

  /** @param {typeof fetchAccount} [fetch] */
  constructor(fetch = fetchAccount) {
    super(() => this.#account);
    this.#fetch = fetch;
  }

  /**
   * Behind every `welcome` may be another server, with other rules. Polls have none.
   * @param {SessionEvent} event
   */
  handle(event) {
    const polls = event.kind === 'state' && event.state.name === 'polling';
    if (event.kind === 'welcome' || (polls && this.#account === undefined)) {
      this.refresh();
    }
  }

  /** Asks who is signed in. */
  async refresh() {
    try {
      this.#account = await this.#fetch();
      this.changed();
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      // The connection's state says that the server is away; once it is back it is asked again.
      console.warn(`who is signed in is not known: ${error.message}`);
    }
  }
}
