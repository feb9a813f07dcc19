// What stands above every page: where one can go, whether it is live, how fast, whether this is a demo, and
// whether the engine answers.

import { byId, h, setAttribute, setText } from './dom.js';
import { formatDuration, formatTime } from './format.js';
import { icon } from './icons.js';
import { whyNot } from './rights.js';
import { view } from './view.js';

/** @import { Client } from '../client.js' */
/** @import { Stores } from '../stores.js' */
/** @import { Connection } from '../stores/connection.js' */

/** @type {Record<Connection['state'], string>} */
const LABELS = {
  connecting: 'Reconnecting…',
  live: 'Live',
  reconnecting: 'Reconnecting…',
  polling: 'Offline · polling',
  unreachable: 'Offline · server unreachable',
  signedOut: 'Offline · signed out',
  closed: 'Offline · closed',
};

/**
 * @param {Client} client
 * @param {Stores} stores
 */
export function startHeader(client, stores) {
  startBadge(client, stores);
  startLatency(stores);
  startBanner(stores);
  startPresence(stores);
  startAccountBadges(stores);
}

/** @param {Stores} stores */
function startAccountBadges({ account }) {
  const [environment, rights] = [byId('environment'), byId('rights')];
  view([account], () => {
    const held = account.getSnapshot();
    byId('demo').hidden = !held?.demo;
    environment.hidden = !held?.environment;
    setText(environment, held?.environment ?? '');
    setAttribute(environment, 'title', `Environment: ${held?.environment}`);
    setAttribute(environment, 'data-production', /^prod(uction)?$/i.test(held?.environment ?? ''));
    const reason = whyNot(held);
    rights.hidden = reason === undefined;
    setText(rights, held?.readOnly ? 'Read-only' : 'Viewer');
    setAttribute(rights, 'title', reason);
  });
}

/**
 * @param {Client} client
 * @param {Stores} stores
 */
function startBadge(client, { connection, clock }) {
  const badge = byId('connection');
  const label = h('span', { class: 'label' });
  badge.append(icon('wifi'), icon('wifiOff'), label);
  badge.addEventListener('click', () => client.wake());
  view([connection], () => {
    const { state, color } = connection.getSnapshot();
    setAttribute(badge, 'data-state', state);
    setAttribute(badge, 'data-color', color);
    setText(label, LABELS[state]);
    // Said once per change of state; the details that change each second are for those who look.
    setText(byId('connection-said'), state === 'connecting' ? '' : LABELS[state]);
  });
  const detail = byId('connection-detail');
  view([connection, clock], () => {
    const lines = detailsOf(connection.getSnapshot(), Date.now());
    if (detail.textContent !== lines.join('')) {
      detail.replaceChildren(...lines.map((line) => h('p', {}, line)));
    }
  });
}

/**
 * @param {Connection} connection
 * @param {number} now
 */
function detailsOf({ state, since, attempt, nextAttemptAt, reason }, now) {
  const lines = [`Since ${formatTime(new Date(since).toISOString()).slice(0, 8)}, ${formatDuration(now - since)}`];
  if (attempt > 0 && nextAttemptAt !== undefined) {
    const wait = Math.max(0, Math.ceil((nextAttemptAt - now) / 1_000));
    lines.push(`Attempt ${attempt} in ${wait} s`, 'Click to try now');
  } else if (state !== 'live' && reason === undefined) {
    lines.push(attempt > 0 ? `Attempt ${attempt} is being made` : 'Connecting for the first time');
  }
  if (state === 'polling') {
    lines.push('Something keeps the live connection from the server. Data comes by polling, a little later');
  }
  if (reason !== undefined) {
    lines.push(`${reason}. Reload the page to connect again`);
  }
  return lines;
}

/**
 * Marks where one is.
 * @param {string} path
 */
export function markCurrent(path) {
  for (const link of document.querySelectorAll('nav a')) {
    setAttribute(link, 'aria-current', link.getAttribute('href') === path && 'page');
  }
}

const SHOWN_SESSIONS = 3;

/** @param {Stores} stores */
function startPresence({ presence }) {
  const here = byId('here');
  view([presence], () => {
    const others = presence.getSnapshot();
    const count = others.reduce((sum, { count: many = 1 }) => sum + many, 0);
    const shown = others.slice(0, SHOWN_SESSIONS);
    const faces = shown.map(({ user, page, idle, count: many }) =>
      h(
        'li',
        { 'data-idle': idle, title: many === undefined ? `${user} is on ${page ?? 'a page'}${idle ? ', idle' : ''}` : undefined },
        many === undefined ? initialsOf(user) : String(many),
      ),
    );
    const more = others.length - shown.length;
    here.replaceChildren(...faces, ...(more > 0 ? [h('li', {}, `+${more}`)] : []));
    here.hidden = others.length === 0;
    setAttribute(here, 'aria-label', count === 1 ? 'One other is here' : `${count} others are here`);
  });
}

/** @param {string} user */
function initialsOf(user) {
  const words = user.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '');
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => word.charAt(0)) : [user.slice(0, 2)];
  return letters.join('').toUpperCase();
}

/** @param {Stores} stores */
function startLatency({ latency }) {
  const element = byId('latency');
  view([latency], () => {
    const { medianMs, errorMs } = latency.getSnapshot();
    if (medianMs !== undefined) {
      setAttribute(element, 'data-median-ms', medianMs.toFixed(1));
      setText(element, `${medianMs.toFixed(0)} ms ± ${Math.ceil(errorMs ?? 0)}`);
    }
  });
}

/** @param {Stores} stores */
function startBanner({ engine }) {
  const banner = byId('engine-banner');
  const title = h('strong');
  const message = h('span');
  banner.append(icon('warning'), h('p', {}, title, ' ', message));
  view([engine], () => {
    const { away, status, message: why } = engine.getSnapshot();
    banner.hidden = !away;
    setText(title, status === 'offline' ? 'The container engine does not answer.' : 'Connecting to the container engine…');
    setText(message, why ?? '');
  });
}
