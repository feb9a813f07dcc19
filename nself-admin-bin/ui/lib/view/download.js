// Saves a text as a file of the reader's.

import { h } from './dom.js';

/**
 * @param {string} name
 * @param {string} text
 */
export function saveText(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = h('a', { href: address, download: name, target: '_self' });
  link.click();
  URL.revokeObjectURL(address);
}
