// Styles of pages that are loaded when somebody first goes there.

import { h } from './dom.js';

/** @type {Map<string, Promise<void>>} */
const loading = new Map();

/**
 * Loads styles; each once.
 * @param {string[]} names
 */
export async function loadStyles(...names) {
  await Promise.all(names.map(loadStyle));
}

/** @param {string} name */
function loadStyle(name) {
  const held = loading.get(name);
  if (held !== undefined) {
    return held;
  }
  const { promise, resolve, reject } = Promise.withResolvers();
  const fail = () => {
    loading.delete(name);
    reject(new Error(`the styles ${name} did not come`));
  };
  const href = new URL(`../../css/${name}.css`, import.meta.url).href;
  document.head.append(h('link', { rel: 'stylesheet', href, onload: () => resolve(undefined), onerror: fail }));
  loading.set(name, promise);
  return promise;
}
