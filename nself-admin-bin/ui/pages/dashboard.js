// The dashboard: a section per project, a card per service. It reads every open room, and draws what the
// stores hold.

import { ServiceCard } from './dashboard_card.js';
import { h, setAttribute, setText } from '../lib/view/dom.js';
import { formatDuration } from '../lib/view/format.js';
import { STATUS } from '../lib/view/status.js';
import { view } from '../lib/view/view.js';

/** @import { Context, Page } from '../app.js' */
/** @import { Room } from '../lib/stores/rooms.js' */
/** @import { ServiceStatus } from '../lib/stores/service_status.js' */

const FILTERS = [{ types: ['service:status'] }, { types: ['docker:stats'], tail: 60 }];
const SKELETONS = 3;

/**
 * @param {Context} context
 * @returns {Page}
 */
export function mountDashboard({ client, stores, main }) {
  const { rooms } = stores;
  /** @type {Set<string>} */
  let reading = new Set();
  const readOpenRooms = () => {
    const open = new Set(rooms.getSnapshot().open.map(({ room }) => room));
    for (const room of reading.difference(open)) {
      client.read(room, []);
    }
    for (const room of open.difference(reading)) {
      client.read(room, FILTERS);
    }
    reading = open;
  };

  const sections = h('div', { class: 'projects' });
  const empty = h('div', { class: 'empty', hidden: true });
  main.append(h('h1', { class: 'unseen', tabindex: '-1' }, 'Dashboard'), sections, empty);
  /** @type {Map<string, ProjectSection>} */
  const drawn = new Map();

  const draw = () => {
    const { known, open } = rooms.getSnapshot();
    const wanted = known ? open : [WAITING];
    for (const [room, section] of drawn) {
      if (!wanted.some((held) => held.room === room)) {
        section.element.remove();
        drawn.delete(room);
      }
    }
    let shown = 0;
    wanted.forEach((room, at) => {
      const section = drawn.get(room.room) ?? new ProjectSection(room.room, stores);
      drawn.set(room.room, section);
      placeAt(sections, section.element, at);
      shown += section.draw(room) ? 1 : 0;
    });
    drawEmpty(empty, shown === 0, stores);
  };

  const endReading = rooms.subscribe(readOpenRooms);
  readOpenRooms();
  const { serviceStatus, dockerStats, actions, connection, engine, account, clock } = stores;
  const endView = view(
    [rooms, serviceStatus, dockerStats, actions, connection, engine, account, clock],
    draw,
  );
  return {
    title: 'Dashboard',
    leave: () => {
      endReading();
      endView();
      for (const room of reading) {
        client.read(room, []);
      }
    },
  };
}

/** @type {Room} what is drawn before it is known which rooms there are */
const WAITING = { room: '', state: 'open', title: 'Waiting for the server…' };

class ProjectSection {
  #room;
  #stores;
  #title = h('h2');
  #counts = h('p', { class: 'counts' });
  #asOf = h('p', { class: 'as-of' });
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
    this.element = h(
      'section',
      { class: 'project' },
      h('header', { class: 'project-head' }, this.#title, this.#counts, this.#asOf),
      this.#grid,
    );
  }

  /**
   * @param {Room} room
   * @returns {boolean} whether there is anything to see
   */
  draw({ room, title, services: expected }) {
    const services = this.#stores.serviceStatus.getSnapshot().get(room);
    setText(this.#title, title ?? (room === 'standalone' ? 'Outside any project' : room));
    setText(this.#asOf, this.#age());
    if (services === undefined) {
      this.#drawSkeletons(expected ?? SKELETONS);
    } else {
      this.#drawCards([...services.values()].sort((a, b) => (a.service < b.service ? -1 : 1)));
    }
    this.element.hidden = services?.size === 0;
    return services?.size !== 0;
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
    setText(this.#counts, countsOf(services));
  }
}

/**
 * Puts a child at its place; one that is there already is not touched.
 * @param {Element} parent
 * @param {Element} child
 * @param {number} at
 */
function placeAt(parent, child, at) {
  const there = parent.children[at] ?? null;
  if (there !== child) {
    parent.insertBefore(child, there);
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

/**
 * @param {HTMLElement} element
 * @param {boolean} nothing
 * @param {import('../lib/stores.js').Stores} stores
 */
function drawEmpty(element, nothing, { engine }) {
  element.hidden = !nothing;
  if (nothing && element.childElementCount === 0) {
    element.append(h('h2'), h('p'));
  }
  const [title, text] = element.children;
  if (title !== undefined && text !== undefined) {
    const { away } = engine.getSnapshot();
    setText(title, away ? 'Waiting for the engine' : 'No containers yet');
    setText(
      text,
      away
        ? 'Cards appear here by themselves as soon as the container engine answers.'
        : 'Start a stack, for example with docker compose up, or try nself-admin --demo.',
    );
  }
}
