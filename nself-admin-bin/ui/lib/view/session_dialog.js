// The dialog before a sign-in ends: how long it lasts, and staying signed in.

import { byId, h, setText } from './dom.js';
import { view } from './view.js';

/** @import { Stores } from '../stores.js' */

/** @param {Stores} stores */
export function startSessionDialog({ signIn, clock }) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('session'));
  const text = h('p', { role: 'timer' });
  const failure = h('p', { class: 'failure', role: 'alert', hidden: true });
  const stay = h('button', { type: 'button', class: 'main', onclick: () => signIn.renew() }, 'Stay signed in');
  dialog.append(
    h('h2', { id: 'session-title' }, 'Your session ends soon'),
    text,
    failure,
    h('div', { class: 'dialog-actions' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'Not now'), stay),
  );
  /** @type {number | undefined} the end that the dialog was opened for */
  let toldOf;
  view([signIn, clock], () => {
    const ending = signIn.getSnapshot();
    if (ending === undefined) {
      dialog.close();
      toldOf = undefined;
      return;
    }
    const seconds = Math.max(0, Math.ceil((ending.endsAt - clock.getSnapshot()) / 1_000));
    setText(text, `You are signed out in ${seconds} s${ending.renewable ? '.' : ', and have to sign in again then.'}`);
    failure.hidden = ending.failure === undefined;
    setText(failure, ending.failure ?? '');
    stay.hidden = !ending.renewable;
    stay.disabled = ending.asking;
    if (toldOf !== ending.endsAt) {
      toldOf = ending.endsAt;
      dialog.showModal();
      (ending.renewable ? stay : dialog).focus();
    }
  });
}
