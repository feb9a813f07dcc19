// What somebody may not do, and why.

/** @import { Account } from '../api.js' */

/**
 * Why the one who is signed in may change nothing; `undefined` if they may, or if nobody knows yet.
 * @param {Account | undefined} account
 */
export function whyNot(account) {
  if (account?.readOnly) {
    return 'Read-only: this server was started with --read-only';
  }
  return account?.role === 'viewer' ? 'Your role is viewer: it sees everything and changes nothing' : undefined;
}
