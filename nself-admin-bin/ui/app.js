// The page's entry: one socket, the stores that it feeds, the frame around every page, and the page that
// the address means.

import { RequestError } from './lib/api.js';
import { Client } from './lib/client.js';
import { Stores } from './lib/stores.js';
import { byId, h } from './lib/view/dom.js';
import { startHeader } from './lib/view/header.js';
import { helpDialog } from './lib/view/help.js';
import { startKeyboard } from './lib/view/keyboard.js';
import { latencyMeter } from './lib/view/latency_meter.js';
import { parseRoute, startRouter } from './lib/view/router.js';
import { startToasts } from './lib/view/toasts.js';
import { mountDashboard } from './pages/dashboard.js';
import { mountLogs } from './pages/logs.js';

/**
 * What a page gets. It says its title, draws itself into `main`, and gives back how it is left.
 * @typedef {{client: Client, stores: Stores, main: HTMLElement}} Context
 * @typedef {{title: string, leave: () => void}} Page
 */

const SYSTEM_FILTER = { types: ['room:status', 'engine:status', 'notification'] };

const client = new Client(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/ws`);
const stores = new Stores();
const main = byId('page');
/** @type {Page | undefined} */
let page;

client.subscribe((event) => stores.handle(event));
client.subscribe(latencyMeter(stores.latency));
client.subscribe((event) => {
  if (event.kind === 'welcome') {
    refreshAccount();
  }
});

startHeader(client, stores);
startToasts(stores.notifications);
const go = startRouter(() => {
  show();
  // The page that was left took the focus with it.
  main.querySelector('h1')?.focus();
});
startKeyboard({ go, help: helpDialog(stores.account) });
stores.clock.start();

client.read('system', [SYSTEM_FILTER]);
client.start();
show();

function show() {
  page?.leave();
  main.replaceChildren();
  page = mount();
  document.title = `${page.title} · nself-admin`;
}

/** @returns {Page} */
function mount() {
  const context = { client, stores, main };
  const route = parseRoute(location.pathname);
  switch (route.page) {
    case 'dashboard':
      return mountDashboard(context);
    case 'logs':
      return mountLogs(context, route);
    case 'missing':
      main.append(
        h('h1', { tabindex: '-1' }, 'Nothing here'),
        h('p', {}, 'This address leads to no page. ', h('a', { href: '/' }, 'Go to the dashboard')),
      );
      return { title: 'Nothing here', leave: () => undefined };
  }
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
