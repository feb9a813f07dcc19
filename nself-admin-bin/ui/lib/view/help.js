// The dialog that names the keys.

import { byId, h } from './dom.js';
import { SHORTCUTS } from './keyboard.js';

/** @import { AccountStore } from '../stores/account.js' */

/** @param {AccountStore} account */
export function showHelpDialog(account) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('help'));
  const held = account.getSnapshot();
  const rows = SHORTCUTS.flatMap(({ keys, means }) => [
    h('dt', {}, ...keys.split(' ').map((key) => h('kbd', {}, key))),
    h('dd', {}, means),
  ]);
  dialog.replaceChildren(
    h('h2', { id: 'help-title' }, 'Keys'),
    h('dl', { class: 'keys' }, ...rows),
    h('p', { class: 'muted' }, held === undefined ? '' : `nself-admin ${held.version}`),
    h('div', { class: 'dialog-actions' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'Close')),
  );
  if (!dialog.open) {
    dialog.showModal();
  }
}
