// The page's entry: one socket, the stores that it feeds, the frame around every page, and the page that
// the address means.

import { Client } from './lib/client.js';
import { Stores } from './lib/stores.js';
import { startAccountMenu } from './lib/view/account_menu.js';
import { startBell } from './lib/view/bell.js';
import { byId, h } from './lib/view/dom.js';
import { markCurrent, startHeader } from './lib/view/header.js';
import { startKeyboard } from './lib/view/keyboard.js';
import { latencyMeter } from './lib/view/latency_meter.js';
import { heldLog, logPath, parseRoute, signInPath, startRouter } from './lib/view/router.js';
import { startSessionDialog } from './lib/view/session_dialog.js';
import { loadStyles } from './lib/view/styles.js';
import { startToasts } from './lib/view/toasts.js';
import { mountDashboard } from './pages/dashboard.js';

/**
 * What a page gets. It says its title, draws itself into `main`, and gives back how it is left. `moved` says that it
 * stays, and has another title and path now.
 * @typedef {{client: Client, stores: Stores, main: HTMLElement, moved: (title: string) => void}} Context
 * @typedef {{title: string, leave: () => void}} Page
 */
/** @import { Route } from './lib/view/router.js' */

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
  if (event.kind === 'state' && event.state.name === 'signedOut' && !stores.signIn.leaving) {
    // A page of its own: what was on the screen is for nobody else.
    location.replace(signInPath(location.pathname + location.search));
  }
});

startHeader(client, stores);
startToasts(stores.notifications);
startBell(stores);
startAccountMenu(stores);
startSessionDialog(stores);
const go = startRouter(async () => {
  await show();
  // The page that was left took the focus with it.
  main.querySelector('h1')?.focus();
});
startKeyboard({ go, logPath: lastLogPath, help: showHelp });
document.addEventListener('visibilitychange', lookAt);
stores.clock.start();

client.read('system', [SYSTEM_FILTER]);
if (parseRoute(location.pathname).page !== 'sign-in') {
  client.start();
}
show();

async function show() {
  page?.leave();
  page = undefined;
  main.replaceChildren();
  markCurrent(location.pathname);
  lookAt();
  const route = parseRoute(location.pathname);
  document.body.dataset['page'] = route.page;
  shows += 1;
  const own = shows;
  const mount = await mountOf(route).catch(mountUnloaded);
  if (own !== shows) {
    // Somebody went on meanwhile.
    return;
  }
  page = mount({ client, stores, main, moved });
  entitle(page.title);
}

/** @param {string} title */
function entitle(title) {
  document.title = `${title} · nself-admin`;
}

/** @param {string} title */
function moved(title) {
  entitle(title);
  lookAt();
}

/** Tells the others what this tab looks at. */
function lookAt() {
  client.lookAt({ page: location.pathname.slice(0, PAGE_LENGTH), idle: document.hidden });
}

/** The log that was looked at last, or that of the first service. */
function lastLogPath() {
  const held = heldLog();
  if (held !== undefined) {
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
    case 'build': {
      const [{ mountBuild }] = await Promise.all([import('./pages/build.js'), loadStyles('build', 'ansi')]);
      return mountBuild;
    }
    case 'logs': {
      const [{ mountLogs }] = await Promise.all([import('./pages/logs.js'), loadStyles('logs', 'ansi')]);
      return (context) => mountLogs(context, route);
    }
    case 'monitor': {
      const [{ mountMonitor }] = await Promise.all([import('./pages/monitor.js'), loadStyles('monitor')]);
      return mountMonitor;
    }
    case 'sign-in': {
      const [{ mountSignIn }] = await Promise.all([import('./pages/sign_in.js'), loadStyles('sign_in')]);
      return mountSignIn;
    }
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

async function showHelp() {
  const { showHelpDialog } = await import('./lib/view/help.js');
  showHelpDialog(stores.account);
}
