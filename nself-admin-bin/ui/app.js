// The page's entry: one socket, the stores that it feeds, the frame around every page, and the page that
// the address means.

import { RequestError } from './lib/api.js';
import { Client } from './lib/client.js';
import { Stores } from './lib/stores.js';
import { startBell } from './lib/view/bell.js';
import { byId, h } from './lib/view/dom.js';
import { markCurrent, startHeader } from './lib/view/header.js';
import { helpDialog } from './lib/view/help.js';
import { startKeyboard } from './lib/view/keyboard.js';
import { latencyMeter } from './lib/view/latency_meter.js';
import { logPath, parseRoute, startRouter } from './lib/view/router.js';
import { startSessionDialog } from './lib/view/session_dialog.js';
import { startToasts } from './lib/view/toasts.js';
import { mountDashboard } from './pages/dashboard.js';

/**
 * What a page gets. It says its title, draws itself into `main`, and gives back how it is left.
 * @typedef {{client: Client, stores: Stores, main: HTMLElement}} Context
 * @typedef {{title: string, leave: () => void}} Page
 */
/** @import { Route } from './lib/view/router.js' */

const LAST_LOG = 'nself.log';
// The server takes 512 bytes; an address has one a character.
const PAGE_LENGTH = 512;
const SYSTEM_FILTER = { types: ['room:status', 'engine:status', 'notification', 'presence'] };

const client = new Client(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/ws`);
const stores = new Stores();
const main = byId('page');
/** @type {Page | undefined} */
let page;
/** How often a page was asked for. */
let shows = 0;

client.subscribe((event) => stores.handle(event));
client.subscribe(latencyMeter(stores.latency));
client.subscribe((event) => {
  if (event.kind === 'welcome') {
    refreshAccount();
  }
});

startHeader(client, stores);
startToasts(stores.notifications);
startBell(stores);
startSessionDialog(stores);
const go = startRouter(async () => {
  await show();
  // The page that was left took the focus with it.
  main.querySelector('h1')?.focus();
});
startKeyboard({ go, logPath: lastLogPath, help: helpDialog(stores.account) });
document.addEventListener('visibilitychange', lookAt);
stores.clock.start();

client.read('system', [SYSTEM_FILTER]);
client.start();
show();

async function show() {
  page?.leave();
  page = undefined;
  main.replaceChildren();
  markCurrent(location.pathname);
  lookAt();
  const { pathname, search } = location;
  shows += 1;
  const own = shows;
  const mount = await mountOf(parseRoute(pathname)).catch(mountUnloaded);
  if (own !== shows) {
    // Somebody went on meanwhile.
    return;
  }
  page = mount({ client, stores, main });
  document.title = `${page.title} · nself-admin`;
  if (parseRoute(pathname).page === 'logs') {
    sessionStorage.setItem(LAST_LOG, pathname + search);
  }
}

/** Tells the others what this tab looks at. */
function lookAt() {
  client.lookAt({ page: location.pathname.slice(0, PAGE_LENGTH), idle: document.hidden });
}

/** The log that was looked at last, or that of the first service. */
function lastLogPath() {
  const held = sessionStorage.getItem(LAST_LOG);
  if (held !== null) {
    return held;
  }
  for (const [room, services] of stores.serviceStatus.getSnapshot()) {
    const [first] = [...services.keys()].sort();
    if (first !== undefined) {
      return logPath(room, first);
    }
  }
  return undefined;
}

/**
 * What draws the page of a route. Pages other than the first are loaded when somebody goes there.
 * @param {Route} route
 * @returns {Promise<(context: Context) => Page>}
 */
async function mountOf(route) {
  switch (route.page) {
    case 'dashboard':
      return mountDashboard;
    case 'logs': {
      const { mountLogs } = await import('./pages/logs.js');
      return (context) => mountLogs(context, route);
    }
    case 'monitor':
      return (await import('./pages/monitor.js')).mountMonitor;
    case 'missing':
      return mountMissing;
  }
}

/**
 * Another version of the server has other files: only a reload finds them.
 * @param {unknown} error
 * @returns {(context: Context) => Page}
 */
function mountUnloaded(error) {
  console.warn('a page could not be loaded', error);
  return ({ main: element }) => {
    element.append(
      h('h1', { tabindex: '-1' }, 'This page could not be loaded'),
      h('p', {}, 'The server is away, or was replaced by another version. '),
      h('p', {}, h('button', { type: 'button', class: 'main', onclick: () => location.reload() }, 'Load again')),
    );
    return { title: 'Not loaded', leave: () => undefined };
  };
}

/**
 * @param {Context} context
 * @returns {Page}
 */
function mountMissing({ main }) {
  main.append(
    h('h1', { tabindex: '-1' }, 'Nothing here'),
    h('p', {}, 'This address leads to no page. ', h('a', { href: '/' }, 'Go to the dashboard')),
  );
  return { title: 'Nothing here', leave: () => undefined };
}

async function refreshAccount() {
  try {
    await stores.account.refresh();
  } catch (error) {
    if (!(error instanceof RequestError)) {
      throw error;
    }
    // The socket's state already says that the server is away; the next welcome asks again.
    console.warn(`who is signed in is not known: ${error.message}`);
  }
}
