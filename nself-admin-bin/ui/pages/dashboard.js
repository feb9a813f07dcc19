// The dashboard: a section per project, a card per service. It reads every open room, and draws what the
// stores hold and the search lets through; both stand in the address.

import { DashboardTools } from './dashboard_tools.js';
import { ProjectSection } from './dashboard_project.js';
import { readOpenRooms } from './read_rooms.js';
import { h, placeAt, setText } from '../lib/view/dom.js';
import { view } from '../lib/view/view.js';

/** @import { Context, Page } from '../app.js' */
/** @import { Room } from '../lib/stores/rooms.js' */

const FILTERS = { always: [{ types: ['service:status'] }], seen: [{ types: ['docker:stats'], tail: 60 }] };

/**
 * @param {Context} context
 * @returns {Page}
 */
export function mountDashboard({ client, stores, main }) {
  const { rooms, serviceStatus, dockerStats, actions, connection, engine, account, clock } = stores;
  const endReading = readOpenRooms(client, rooms, FILTERS);
  const tools = new DashboardTools(() => draw());
  const sections = h('div', { class: 'projects' });
  const empty = h('div', { class: 'empty', hidden: true }, h('h2'), h('p'));
  main.append(h('header', { class: 'page-head' }, h('h1', { tabindex: '-1' }, 'Dashboard'), tools.element), sections, empty);
  /** @type {Map<string, ProjectSection>} */
  const drawn = new Map();

  function draw() {
    const { known, open } = rooms.getSnapshot();
    const wanted = known ? open : [WAITING];
    for (const [room, section] of drawn) {
      if (!wanted.some((held) => held.room === room)) {
        section.element.remove();
        drawn.delete(room);
      }
    }
    const statuses = serviceStatus.getSnapshot();
    const services = wanted.flatMap(({ room }) => [...(statuses.get(room)?.values() ?? [])]);
    const filter = tools.draw(services);
    let shown = 0;
    let any = services.length > 0;
    wanted.forEach((room, at) => {
      const section = drawn.get(room.room) ?? new ProjectSection(room.room, stores);
      drawn.set(room.room, section);
      placeAt(sections, section.element, at);
      shown += section.draw(room, filter);
      any ||= !statuses.has(room.room);
    });
    empty.hidden = shown > 0;
    if (shown === 0) {
      drawEmpty(empty, any, engine.getSnapshot().away);
    }
  }

  const endView = view(
    [rooms, serviceStatus, dockerStats, actions, connection, engine, account, clock],
    draw,
  );
  return {
    title: 'Dashboard',
    leave: () => {
      endView();
      endReading();
    },
  };
}

/** @type {Room} what is drawn before it is known which rooms there are */
const WAITING = { room: '', state: 'open', title: 'Waiting for the server…' };

/**
 * @param {HTMLElement} element
 * @param {boolean} filtered there are services, and none is let through
 * @param {boolean} away
 */
function drawEmpty(element, filtered, away) {
  const [title, text] = element.children;
  if (title !== undefined && text !== undefined) {
    const [head, body] = filtered ? NONE_FOUND : away ? ENGINE_AWAY : NO_CONTAINERS;
    setText(title, head);
    setText(text, body);
  }
}

const NONE_FOUND = /** @type {const} */ (['No service is what you look for', 'Change the search or the status above.']);
const ENGINE_AWAY = /** @type {const} */ ([
  'Waiting for the engine',
  'Cards appear here by themselves as soon as the container engine answers.',
]);
const NO_CONTAINERS = /** @type {const} */ ([
  'No containers yet',
  'Start a stack, for example with docker compose up, or try nself-admin --demo.',
]);
