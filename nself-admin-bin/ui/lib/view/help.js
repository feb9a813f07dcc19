// The dialog that names the keys.

import { byId, h } from './dom.js';
import { SHORTCUTS } from './keyboard.js';

/** @import { AccountStore } from '../stores/account.js' */

/**
 * @param {AccountStore} account
 * @returns {() => void} opens it
 */
export function helpDialog(account) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('help'));
  const version = h('p', { class: 'muted' });
  const rows = SHORTCUTS.flatMap(({ keys, means }) => [
    h('dt', {}, ...keys.split(' ').map((key) => h('kbd', {}, key))),
    h('dd', {}, means),
  ]);
  dialog.append(
    h('h2', { id: 'help-title' }, 'Keys'),
    h('dl', { class: 'keys' }, ...rows),
    version,
    h('div', { class: 'dialog-actions' }, h('button', { type: 'button', onclick: () => dialog.close() }, 'Close')),
  );
  return () => {
    const held = account.getSnapshot();
    version.textContent = held === undefined ? '' : `nself-admin ${held.version}`;
    if (!dialog.open) {
      dialog.showModal();
    }
  };
}
