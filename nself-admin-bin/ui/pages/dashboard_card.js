// A service's card. It is made once and changes only where something changed; every figure has its place
// before it is known, so nothing moves.

import { HOLE_MS, isCurrent, KEPT_POINTS } from '../lib/stores/docker_stats.js';
import { h, setAttribute, setText } from '../lib/view/dom.js';
import { ABSENT, formatBytes, formatCount, formatDuration, formatPercent } from '../lib/view/format.js';
import { icon } from '../lib/view/icons.js';
import { whyNot } from '../lib/view/rights.js';
import { logPath } from '../lib/view/router.js';
import { sparkline } from '../lib/view/sparkline.js';
import { STATUS } from '../lib/view/status.js';

/** @import { ServiceAction } from '../lib/api.js' */
/** @import { Stores } from '../lib/stores.js' */
/** @import { ServiceStatus, Status } from '../lib/stores/service_status.js' */

/** @type {Record<ServiceAction, {label: string, from: readonly Status[]}>} `from`: where it makes sense */
export const ACTIONS = {
  start: { label: 'Start', from: ['created', 'stopped', 'failed'] },
  stop: { label: 'Stop', from: ['running', 'unhealthy', 'starting', 'restarting', 'paused'] },
  restart: { label: 'Restart', from: ['running', 'unhealthy', 'starting', 'paused', 'failed'] },
};
export const SERVICE_ACTIONS = /** @type {ServiceAction[]} */ (Object.keys(ACTIONS));
const MEBIBYTE = 1_048_576;
const SHOWN_PORTS = 2;

export class ServiceCard {
  #room;
  #service;
  #stores;
  /** @type {Status | undefined} */
  #status;
  #badge = h('p', { class: 'status' });
  #image = h('p', { class: 'image' });
  #cpu = metric('CPU', 'cpu', 5);
  #memory = metric('Memory', 'memory', MEBIBYTE);
  #uptime = h('dd');
  #restarts = h('dd');
  #health = h('dd');
  #ports = h('dd');
  #message = h('p', { class: 'message', role: 'status', hidden: true });
  /** @type {[ServiceAction, HTMLButtonElement][]} */
  #buttons;

  /**
   * @param {string} room
   * @param {string} service
   * @param {Stores} stores
   */
  constructor(room, service, stores) {
    this.#room = room;
    this.#service = service;
    this.#stores = stores;
    this.#buttons = SERVICE_ACTIONS.map((action) => [
      action,
      h('button', { type: 'button', 'data-action': action, onclick: () => this.#ask(action) }, ACTIONS[action].label),
    ]);
    this.element = h(
      'article',
      { class: 'card', 'data-project': room, 'data-service': service, tabindex: '-1', 'aria-label': service },
      h('header', {}, h('h3', { title: service }, service), this.#badge),
      this.#image,
      h('div', { class: 'metrics' }, this.#cpu.element, this.#memory.element),
      h(
        'dl',
        { class: 'facts' },
        h('div', {}, h('dt', {}, 'Uptime'), this.#uptime),
        h('div', {}, h('dt', {}, 'Restarts'), this.#restarts),
        h('div', {}, h('dt', {}, 'Health'), this.#health),
        h('div', {}, h('dt', {}, 'Ports'), this.#ports),
      ),
      this.#message,
      h(
        'footer',
        {},
        ...this.#buttons.map(([, button]) => button),
        h('a', { class: 'log-link', href: logPath(room, service) }, icon('lines'), 'Log'),
      ),
    );
  }

  /** @param {ServiceStatus} told */
  draw(told) {
    const asked = this.#stores.actions.of(this.#room, this.#service);
    const status = asked?.status ?? told.status;
    const stale = isStale(this.#stores);
    this.#drawStatus(status);
    setAttribute(this.element, 'data-stale', stale);
    setText(this.#image, told.image ?? ABSENT);
    setAttribute(this.#image, 'title', told.image);
    this.#drawFacts(told);
    this.#drawUsage(STATUS[status]?.up ?? false, stale);
    this.#drawMessage(asked?.refusal ?? told.message ?? reasonOf(told));
    this.#drawButtons(status, asked?.status !== undefined || stale);
  }

  /** @param {ServiceAction} action */
  #ask(action) {
    this.#stores.actions.ask(this.#room, this.#service, action);
  }

  /** @param {Status} status */
  #drawStatus(status) {
    if (this.#status !== status) {
      this.#status = status;
      const look = STATUS[status] ?? { label: status, icon: 'dot', tone: 'idle' };
      setAttribute(this.element, 'data-status', status);
      setAttribute(this.#badge, 'data-tone', look.tone);
      this.#badge.replaceChildren(icon(look.icon), look.label);
    }
  }

  /** @param {ServiceStatus} told */
  #drawFacts({ status, startedAt, restartCount, health, replicas, ports = [] }) {
    const up = STATUS[status]?.up && startedAt !== undefined;
    const replicated = replicas !== undefined && replicas.total > 1;
    const uptime = up ? formatDuration(this.#stores.serverNow - Date.parse(startedAt)) : ABSENT;
    setText(this.#uptime, replicated ? `${uptime} · ${replicas.running}/${replicas.total} up` : uptime);
    setText(this.#restarts, restartCount === undefined ? ABSENT : formatCount(restartCount));
    setText(this.#health, healthOf(health));
    setAttribute(this.#health, 'title', health?.output);
    const mappings = [...new Set(ports.map(({ host, container, protocol }) =>
      `${host}→${container}${protocol === 'tcp' ? '' : `/${protocol}`}`))];
    const more = mappings.length - SHOWN_PORTS;
    setText(this.#ports, mappings.slice(0, SHOWN_PORTS).join(', ') + (more > 0 ? ` +${more}` : '') || ABSENT);
    setAttribute(this.#ports, 'title', more > 0 ? mappings.join(', ') : undefined);
  }

  /**
   * @param {boolean} up
   * @param {boolean} stale
   */
  #drawUsage(up, stale) {
    const points = this.#stores.dockerStats.getSnapshot().get(this.#room)?.get(this.#service)?.points ?? [];
    const last = points.at(-1);
    const current = last !== undefined && (stale || isCurrent(last, this.#stores.serverNow)) ? last : undefined;
    const shown = up ? current : undefined;
    this.#cpu.draw(shown?.cpu, formatPercent(shown?.cpu), points.map(({ at, cpu }) => ({ at, value: cpu })));
    const limit = shown?.memoryLimit;
    setText(this.#memory.label, limit === undefined ? 'Memory' : `Memory of ${formatBytes(limit)}`);
    this.#memory.draw(
      shown?.memory,
      formatBytes(shown?.memory),
      points.map(({ at, memory }) => ({ at, value: memory })),
    );
  }

  /** @param {string | undefined} message */
  #drawMessage(message) {
    this.#message.hidden = message === undefined;
    setText(this.#message, message ?? '');
  }

  /**
   * @param {Status} status
   * @param {boolean} waiting
   */
  #drawButtons(status, waiting) {
    const account = this.#stores.account.getSnapshot();
    const reason = whyNot(account);
    for (const [action, button] of this.#buttons) {
      const disabled = waiting || account === undefined || reason !== undefined || !ACTIONS[action].from.includes(status);
      if (disabled && document.activeElement === button) {
        // A disabled button loses the focus to the whole page: keep it here.
        this.element.focus();
      }
      button.disabled = disabled;
      setAttribute(button, 'title', reason);
    }
  }
}

/**
 * Whether what is shown may no longer be so.
 * @param {Stores} stores
 */
export function isStale({ connection, engine }) {
  return !connection.getSnapshot().current || engine.getSnapshot().away;
}

/**
 * @param {string} title
 * @param {string} name
 * @param {number} least
 */
function metric(title, name, least) {
  const label = h('p', { class: 'metric-label' }, title);
  const text = h('p', { class: name });
  const line = sparkline({ width: KEPT_POINTS, least, holeMs: HOLE_MS });
  return {
    label,
    element: h('div', { class: 'metric' }, label, text, line.element),
    /**
     * @param {number | undefined} value
     * @param {string} shown
     * @param {readonly import('../lib/view/sparkline.js').Sample[]} samples
     */
    draw(value, shown, samples) {
      setAttribute(text, 'data-value', value);
      setText(text, shown);
      line.draw(samples);
    },
  };
}

/** @param {ServiceStatus['health']} health */
function healthOf(health) {
  switch (health?.status) {
    case 'healthy':
      return 'Healthy';
    case 'unhealthy':
      return health.failingStreak === undefined ? 'Unhealthy' : `Unhealthy, ${health.failingStreak} in a row`;
    case 'starting':
      return 'First checks';
    case undefined:
      return 'No check';
  }
}

/**
 * Why it ended, where the engine has no words of its own.
 * @param {ServiceStatus} told
 */
function reasonOf({ status, exitCode, oomKilled }) {
  if (status !== 'failed') {
    return undefined;
  }
  if (oomKilled === true) {
    return 'Killed for want of memory';
  }
  return exitCode === undefined ? undefined : `Exited with code ${exitCode}`;
}
