// Which page an address means, and how links lead there without a reload.

/** @typedef {{page: 'dashboard'} | {page: 'logs', project: string, service: string}
 *   | {page: 'missing'}} Route */

/**
 * @param {string} path
 * @returns {Route}
 */
export function parseRoute(path) {
  if (path === '/') {
    return { page: 'dashboard' };
  }
  const [, project, service] = /^\/logs\/([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
  if (project !== undefined && service !== undefined) {
    try {
      return { page: 'logs', project: decodeURIComponent(project), service: decodeURIComponent(service) };
    } catch (error) {
      if (!(error instanceof URIError)) {
        throw error;
      }
    }
  }
  return { page: 'missing' };
}

/**
 * The address of a service's log.
 * @param {string} project
 * @param {string} service
 */
export function logPath(project, service) {
  return `/logs/${encodeURIComponent(project)}/${encodeURIComponent(service)}`;
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
