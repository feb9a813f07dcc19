// Who the page is signed in as, and what it may do.

import { Store } from '../store.js';
import { fetchAccount } from '../api.js';

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
    this.#account = await fetchAccount();
    this.changed();
  }
}
