// Which page an address means, and how links lead there without a reload.

/** @typedef {{page: 'dashboard'} | {page: 'monitor'} | {page: 'missing'}
 *   | {page: 'logs', project: string, services: string[]}} Route */

/**
 * @param {string} path
 * @returns {Route}
 */
export function parseRoute(path) {
  if (path === '/') {
    return { page: 'dashboard' };
  }
  if (/^\/monitor\/?$/.test(path)) {
    return { page: 'monitor' };
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

/**
 * Calls back when the address changes: by a link of the page, or back and forth.
 * @param {() => void} changed
 * @returns {(path: string) => void} goes to a path
 */
export function startRouter(changed) {
  const go = (/** @type {string} */ path) => {
    if (path !== location.pathname + location.search) {
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
    if (link.origin === location.origin && link.target === '' && parseRoute(link.pathname).page !== 'missing') {
      event.preventDefault();
      go(link.pathname + link.search);
    }
  });
  return go;
}
