// Who the page is signed in as, and what it may do.

import { Store } from '../store.js';
import { fetchAccount, RequestError } from '../api.js';

/** @import { Account } from '../api.js' */

/** @extends {Store<Account | undefined>} */
export class AccountStore extends Store {
  /** @type {Account | undefined} */
  #account;

  constructor() {
    super(() => this.#account);
  }

  /** Asks again: another server may have other rules. */
  async refresh() {
    try {
      this.#account = await fetchAccount();
      this.changed();
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      // The socket's state already says that the server is away; the next welcome asks again.
      console.warn(`who is signed in is not known: ${error.message}`);
    }
  }
}
