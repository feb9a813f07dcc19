// The menu of the one who is signed in: who that is, what they may do, until when, and signing out.

import { RequestError, signOut } from '../api.js';
import { byId, h, setAttribute, setText } from './dom.js';
import { icon } from './icons.js';
import { signInPath } from './router.js';
import { view } from './view.js';

/** @import { Stores } from '../stores.js' */
/** @import { SignInStore } from '../stores/sign_in.js' */

/** @param {Stores} stores */
export function startAccountMenu({ account, signIn }) {
  const button = byId('account');
  button.append(icon('person'));
  const name = h('strong');
  const role = h('p', { class: 'muted' });
  const until = h('p', { class: 'muted' });
  const failure = h('p', { class: 'failure', role: 'alert', hidden: true });
  const leave = h('button', { type: 'button', id: 'sign-out', onclick: () => end(signIn, failure) }, 'Sign out');
  const menu = byId('account-menu');
  menu.append(h('p', {}, 'Signed in as ', name), role, until, failure, leave);
  menu.addEventListener('beforetoggle', ({ newState }) => {
    if (newState === 'open') {
      // The sign-in may have been renewed since.
      account.refresh();
    }
  });
  view([account], () => {
    const held = account.getSnapshot();
    button.hidden = !held?.signIn;
    setText(name, held?.user ?? '');
    setAttribute(button, 'aria-label', `Account: ${held?.user ?? ''}`);
    setText(role, ROLES[held?.role ?? 'viewer']);
    setText(until, held?.expiresAt ? `Until ${new Date(held.expiresAt).toLocaleTimeString()}` : '');
  });
}

const ROLES = {
  viewer: 'Viewer: sees everything, changes nothing',
  operator: 'Operator: starts, stops and builds',
  admin: 'Administrator',
};

/**
 * @param {SignInStore} signIn
 * @param {HTMLElement} failure
 */
async function end(signIn, failure) {
  signIn.leaving = true;
  try {
    await signOut();
  } catch (error) {
    if (!(error instanceof RequestError)) {
      throw error;
    }
    signIn.leaving = false;
    failure.hidden = false;
    setText(failure, `Could not sign out: ${error.message}`);
    return;
  }
  // A page of its own: what was on the screen is for nobody else.
  sessionStorage.clear();
  // The browser may keep this one as it is, to come back to.
  addEventListener('pageshow', () => location.reload());
  location.assign(signInPath());
}
