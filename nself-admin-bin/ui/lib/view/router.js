// Which page an address means, and how links lead there without a reload.

/** @typedef {{page: 'dashboard' | 'build' | 'monitor' | 'sign-in' | 'missing'}
 *   | {page: 'logs', project: string, services: string[]}} Route */

/**
 * @param {string} path
 * @returns {Route}
 */
export function parseRoute(path) {
  if (path === '/') {
    return { page: 'dashboard' };
  }
  const [, name] = /^\/(build|monitor|sign-in)\/?$/.exec(path) ?? [];
  if (name !== undefined) {
    return { page: /** @type {'build' | 'monitor' | 'sign-in'} */ (name) };
  }
  const [, project, services] = /^\/logs\/([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
  if (project !== undefined && services !== undefined) {
    try {
      const names = services.split(',').filter((name) => name !== '').map(decodeURIComponent);
      if (names.length > 0) {
        return { page: 'logs', project: decodeURIComponent(project), services: [...new Set(names)] };
      }
    } catch (error) {
      if (!(error instanceof URIError)) {
        throw error;
      }
    }
  }
  return { page: 'missing' };
}

/**
 * The address of the log of these services.
 * @param {string} project
 * @param {string[]} services
 */
export function logPath(project, ...services) {
  return `/logs/${encodeURIComponent(project)}/${services.map(encodeURIComponent).join(',')}`;
}

const LAST_LOG = 'nself.log';

/** Holds the present address as that of the log that was seen last, for this tab. */
export function holdLog() {
  sessionStorage.setItem(LAST_LOG, location.pathname + location.search);
}

export function heldLog() {
  return sessionStorage.getItem(LAST_LOG) ?? undefined;
}

/**
 * The address of the sign-in, which then leads back to `path`.
 * @param {string} [path]
 */
export function signInPath(path) {
  return path === undefined ? '/sign-in' : `/sign-in?to=${encodeURIComponent(path)}`;
}

/**
 * Where a sign-in leads: to a page of ours, whatever its address says.
 * @param {string} wanted
 * @param {string} origin
 */
export function pathAfterSignIn(wanted, origin) {
  const url = URL.parse(wanted, origin);
  const isOurs = url?.origin === origin && !['sign-in', 'missing'].includes(parseRoute(url.pathname).page);
  return isOurs ? url.pathname + url.search : '/';
}

/**
 * Calls back when the address changes: by a link of the page, or back and forth.
 * @param {() => void} changed
 * @returns {(path: string) => void} goes to a path
 */
export function startRouter(changed) {
  const go = (/** @type {string} */ path) => {
    if (parseRoute(location.pathname).page === 'sign-in') {
      // Nothing is connected there.
      location.assign(path);
    } else if (path !== location.pathname + location.search) {
      history.pushState(undefined, '', path);
      changed();
    }
  };
  addEventListener('popstate', changed);
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const modified = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (link === null || event.defaultPrevented || event.button !== 0 || modified) {
      return;
    }
    if (link.getAttribute('href')?.startsWith('#')) {
      // A place in the page. By the address it would be another one, and be drawn anew.
      event.preventDefault();
      document.getElementById(link.hash.slice(1))?.focus();
    } else if (link.origin === location.origin && link.target === '' && parseRoute(link.pathname).page !== 'missing') {
      event.preventDefault();
      go(link.pathname + link.search);
    }
  });
  return go;
}
