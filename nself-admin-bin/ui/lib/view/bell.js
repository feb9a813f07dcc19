// The bell: how many notifications nobody has looked at, and the list of the last ones.

import { byId, h, setAttribute, setText } from './dom.js';
import { formatAge } from './format.js';
import { icon } from './icons.js';
import { desktop, ICONS } from './toasts.js';
import { view } from './view.js';

/** @import { Stores } from '../stores.js' */
/** @import { Held } from '../stores/notifications.js' */

/** @param {Stores} stores */
export function startBell(stores) {
  const { notifications, clock } = stores;
  const bell = byId('bell');
  const count = h('span', { class: 'count', hidden: true });
  bell.append(icon('bell'), count);
  const panel = byId('bell-list');
  const list = h('ol', { class: 'notes' });
  const allow = h('button', { type: 'button', onclick: askToAllow }, 'Show critical ones on the desktop, too');
  const drawAllow = () => {
    allow.hidden = desktop()?.permission !== 'default';
  };
  async function askToAllow() {
    await desktop()?.requestPermission();
    drawAllow();
  }
  panel.append(h('h2', {}, 'Notifications'), list, allow);
  panel.addEventListener('toggle', () => {
    if (isOpen(panel)) {
      notifications.read();
      drawAllow();
    }
  });
  // Who follows one has seen enough of the list.
  list.addEventListener('click', ({ target }) => {
    if (target instanceof Element && target.closest('a') !== null) {
      panel.hidePopover();
    }
  });
  view([notifications], () => {
    const { unread } = notifications.getSnapshot();
    count.hidden = unread === 0;
    setText(count, unread > 99 ? '99+' : String(unread));
    setAttribute(bell, 'aria-label', unread === 0 ? 'Notifications' : `Notifications, ${unread} new`);
  });
  const drawAges = () => {
    for (const time of list.querySelectorAll('time')) {
      setText(time, formatAge(stores.serverNow - Date.parse(time.dateTime)));
    }
  };
  view([notifications], () => {
    if (isOpen(panel)) {
      const { all } = notifications.getSnapshot();
      list.replaceChildren(...all.map(drawHeld));
      if (all.length === 0) {
        list.append(h('li', { class: 'muted' }, 'Nothing yet. What needs your attention is told here.'));
      }
      drawAges();
    }
  });
  // A list that is drawn anew loses the focus.
  view([clock], drawAges);
}

/** @param {HTMLElement} panel */
function isOpen(panel) {
  return panel.matches(':popover-open');
}

/** @param {Held} held */
function drawHeld({ notification: { severity, title, body, action }, at }) {
  return h(
    'li',
    { 'data-severity': severity },
    icon(ICONS[severity]),
    h(
      'div',
      { class: 'toast-text' },
      h('strong', {}, title),
      body !== undefined && h('p', {}, body),
      h('p', { class: 'muted' }, h('time', { datetime: at }), action && ' · ', action && h('a', { href: action.href }, action.label)),
    ),
  );
}
