// What a page remembers in its address, so that a reload or a link comes back to it.

/**
 * @param {string} name
 * @returns {string} empty, if the address does not say
 */
export function urlState(name) {
  return new URLSearchParams(location.search).get(name) ?? '';
}

/**
 * @param {string} name
 * @param {string} value an empty one is not written
 */
export function setUrlState(name, value) {
  const url = new URL(location.href);
  if (value === '') {
    url.searchParams.delete(name);
  } else {
    url.searchParams.set(name, value);
  }
  history.replaceState(undefined, '', url);
}
