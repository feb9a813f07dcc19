// The sign-in: by password, or by a one-time link, whose token is taken out of the address before anything
// else. Signed in, a page of its own begins, with nothing left of this one.

import { fetchAccount, RequestError } from '../lib/api.js';
import { signInWithLink, signInWithPassword } from '../lib/sign_in_api.js';
import { h, setText } from '../lib/view/dom.js';
import { pathAfterSignIn } from '../lib/view/router.js';
import { urlState } from '../lib/view/url_state.js';

/** @import { Context, Page } from '../app.js' */

/**
 * @param {Context} context
 * @returns {Page}
 */
export function mountSignIn({ main }) {
  const page = new SignInPage();
  main.append(page.element);
  const token = takeToken();
  if (token === undefined) {
    page.leaveIfSignedIn();
  } else {
    page.signIn(() => signInWithLink(token), LINK_REFUSED);
  }
  return { title: 'Sign in', leave: () => page.stop() };
}

/** The token of a one-time link. It does not stay in the address, nor in the history. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (location.hash !== '') {
    history.replaceState(undefined, '', location.pathname + location.search);
  }
  return token ?? undefined;
}

const LINK_REFUSED = 'This link was used already or is too old. Make a fresh one with nself-admin login-link.';

class SignInPage {
  #password = h('input', {
    id: 'password',
    type: 'password',
    autocomplete: 'current-password',
    required: true,
    'aria-describedby': 'sign-in-failure',
  });
  #button = h('button', { type: 'submit', class: 'main' }, 'Sign in');
  #failure = h('p', { id: 'sign-in-failure', class: 'failure', role: 'alert' });
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #waiting;

  constructor() {
    const form = h(
      'form',
      { onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      // There is one account; its name is for password managers.
      h('input', { type: 'text', autocomplete: 'username', value: 'nself-admin', hidden: true, readonly: true }),
      h('label', { for: 'password' }, 'Password'),
      this.#password,
      this.#failure,
      this.#button,
    );
    this.element = h(
      'div',
      { class: 'sign-in' },
      h('h1', { tabindex: '-1' }, 'Sign in'),
      form,
      h(
        'p',
        { class: 'muted' },
        'No password yet? The program prints a one-time link when it starts; ',
        h('code', {}, 'nself-admin login-link'),
        ' prints a fresh one.',
      ),
    );
  }

  stop() {
    clearInterval(this.#waiting);
  }

  /** Who is signed in, or needs no sign-in, has nothing to do here. */
  async leaveIfSignedIn() {
    this.#password.focus();
    try {
      await fetchAccount();
    } catch (error) {
      if (error instanceof RequestError) {
        this.#explain(error, '');
        return;
      }
      throw error;
    }
    leave();
  }

  /**
   * @param {() => Promise<void>} ask
   * @param {string} [refused] what a 401 means, if the server's own words do not say it
   */
  async signIn(ask, refused) {
    this.#button.disabled = true;
    setText(this.#failure, '');
    try {
      await ask();
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      this.#button.disabled = false;
      this.#explain(error, refused);
      this.#password.select();
      this.#password.focus();
      return;
    }
    leave();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    if (!this.#button.disabled) {
      this.signIn(() => signInWithPassword(this.#password.value));
    }
  }

  /**
   * @param {RequestError} error
   * @param {string} [refused]
   */
  #explain({ status, message, retryAfterMs }, refused = `Not signed in: ${message}.`) {
    if (status === 401) {
      setText(this.#failure, refused);
    } else if (status === 429) {
      this.#wait(performance.now() + (retryAfterMs ?? DEFAULT_WAIT_MS));
    } else {
      setText(this.#failure, `Could not sign in: ${message}.`);
    }
  }

  /** @param {number} until */
  #wait(until) {
    clearInterval(this.#waiting);
    const tick = () => {
      const seconds = Math.ceil((until - performance.now()) / 1_000);
      this.#button.disabled = seconds > 0;
      setText(this.#button, seconds > 0 ? `Wait ${seconds} s` : 'Sign in');
      if (seconds <= 0) {
        clearInterval(this.#waiting);
        setText(this.#failure, '');
      }
    };
    // Said once; the seconds run on the button.
    setText(this.#failure, 'Too many attempts. Wait a little, then try again.');
    this.#waiting = setInterval(tick, 1_000);
    tick();
  }
}

const DEFAULT_WAIT_MS = 10_000;

function leave() {
  location.replace(pathAfterSignIn(urlState('to'), location.origin));
}
