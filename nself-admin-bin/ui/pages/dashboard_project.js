// A project on the dashboard: its services' cards, their counts, and actions on all of them.

import { ACTIONS, SERVICE_ACTIONS, ServiceCard, isStale } from './dashboard_card.js';
import { h, placeAt, setAttribute, setText } from '../lib/view/dom.js';
import { formatDuration } from '../lib/view/format.js';
import { whyNot } from '../lib/view/rights.js';
import { STATUS } from '../lib/view/status.js';

/** @import { ServiceAction } from '../lib/api.js' */
/** @import { Room } from '../lib/stores/rooms.js' */
/** @import { ServiceStatus } from '../lib/stores/service_status.js' */

const SKELETONS = 3;

export class ProjectSection {
  #room;
  #stores;
  #title = h('h2');
  #counts = h('p', { class: 'counts' });
  #asOf = h('p', { class: 'as-of' });
  /** @type {[ServiceAction, HTMLButtonElement][]} */
  #buttons;
  #grid = h('div', { class: 'cards' });
  /** @type {Map<string, ServiceCard>} */
  #cards = new Map();

  /**
   * @param {string} room
   * @param {import('../lib/stores.js').Stores} stores
   */
  constructor(room, stores) {
    this.#room = room;
    this.#stores = stores;
    this.#buttons = SERVICE_ACTIONS.map((action) => [
      action,
      h('button', { type: 'button', 'data-project-action': action, onclick: () => this.#ask(action) }, `${ACTIONS[action].label} all`),
    ]);
    this.element = h(
      'section',
      { class: 'project' },
      h(
        'header',
        { class: 'project-head' },
        this.#title,
        this.#counts,
        this.#asOf,
        h('div', { class: 'project-actions', role: 'group', 'aria-label': 'All services' }, ...this.#buttons.map(([, button]) => button)),
      ),
      this.#grid,
    );
  }

  /**
   * @param {Room} room
   * @param {(service: ServiceStatus) => boolean} filter
   * @returns {number} how many cards there are to see
   */
  draw({ room, title, services: expected }, filter) {
    const services = this.#stores.serviceStatus.getSnapshot().get(room);
    const all = [...(services?.values() ?? [])];
    const shown = all.filter(filter).sort((a, b) => (a.service < b.service ? -1 : 1));
    setText(this.#title, title ?? (room === 'standalone' ? 'Outside any project' : room));
    setText(this.#asOf, this.#age());
    this.#drawButtons(all);
    if (services === undefined) {
      const count = expected ?? SKELETONS;
      this.#drawSkeletons(count);
      this.element.hidden = false;
      return count;
    }
    this.#drawCards(shown);
    setText(this.#counts, countsOf(all));
    this.element.hidden = shown.length === 0;
    return shown.length;
  }

  /**
   * Asks it of each service where it makes sense. What the server does to a whole project it does to all of them: a
   * restart would start a job that has ended, too.
   * @param {ServiceAction} action
   */
  #ask(action) {
    for (const status of this.#stores.serviceStatus.getSnapshot().get(this.#room)?.values() ?? []) {
      if (this.#allows(action, status)) {
        this.#stores.actions.ask(this.#room, status.service, action);
      }
    }
  }

  /**
   * @param {ServiceAction} action
   * @param {ServiceStatus} status
   */
  #allows(action, { service, status }) {
    const asked = this.#stores.actions.of(this.#room, service)?.status;
    return asked === undefined && ACTIONS[action].from.includes(status);
  }

  /** @param {ServiceStatus[]} services */
  #drawButtons(services) {
    const account = this.#stores.account.getSnapshot();
    const reason = whyNot(account);
    const allowed = account !== undefined && reason === undefined && !isStale(this.#stores);
    for (const [action, button] of this.#buttons) {
      button.disabled = !allowed || !services.some((status) => this.#allows(action, status));
      button.hidden = services.length < 2;
      setAttribute(button, 'title', reason);
    }
  }

  #age() {
    const { current, lostAt } = this.#stores.connection.getSnapshot();
    if (!current) {
      return lostAt === undefined ? '' : `as of ${formatDuration(this.#stores.clock.getSnapshot() - lostAt)} ago`;
    }
    return this.#stores.engine.getSnapshot().away ? 'as the engine last told' : '';
  }

  /** @param {number} count */
  #drawSkeletons(count) {
    if (this.#grid.childElementCount !== count || this.#cards.size > 0) {
      this.#cards.clear();
      const skeletons = Array.from({ length: count }, () => h('div', { class: 'card skeleton' }));
      this.#grid.replaceChildren(...skeletons);
    }
    setText(this.#counts, '');
    setAttribute(this.#grid, 'aria-busy', 'true');
  }

  /** @param {ServiceStatus[]} services by name */
  #drawCards(services) {
    if (this.#grid.getAttribute('aria-busy') === 'true') {
      this.#grid.replaceChildren();
      this.#grid.removeAttribute('aria-busy');
    }
    const names = new Set(services.map(({ service }) => service));
    for (const [name, card] of this.#cards) {
      if (!names.has(name)) {
        card.element.remove();
        this.#cards.delete(name);
      }
    }
    services.forEach((status, at) => {
      const card = this.#cards.get(status.service) ?? new ServiceCard(this.#room, status.service, this.#stores);
      this.#cards.set(status.service, card);
      placeAt(this.#grid, card.element, at);
      card.draw(status);
    });
  }
}

/** @param {ServiceStatus[]} services */
function countsOf(services) {
  return Object.entries(STATUS)
    .map(([status, { label }]) => ({ label, count: services.filter((held) => held.status === status).length }))
    .filter(({ count }) => count > 0)
    .map(({ label, count }) => `${count} ${label.toLowerCase()}`)
    .join(' · ');
}
