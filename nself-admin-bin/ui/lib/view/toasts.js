// Notifications in the corner. They go by themselves after a while, critical ones only when somebody puts
// them away.

import { byId, h } from './dom.js';
import { icon } from './icons.js';
import { view } from './view.js';

/** @import { NotificationsStore, Notification } from '../stores/notifications.js' */

const SHOWN_MS = 8_000;
export const ICONS = /** @type {const} */ ({ info: 'info', warning: 'warning', critical: 'cross' });

/** @param {NotificationsStore} notifications */
export function startToasts(notifications) {
  /** @type {Map<Notification, HTMLElement>} */
  const shown = new Map();
  view([notifications], () => {
    const wanted = notifications.getSnapshot().announced;
    for (const [notification, toast] of shown) {
      if (!wanted.includes(notification)) {
        toast.remove();
        shown.delete(notification);
      }
    }
    for (const notification of wanted.filter((held) => !shown.has(held))) {
      const dismiss = () => notifications.dismiss(notification.id);
      const toast = drawToast(notification, dismiss);
      shown.set(notification, toast);
      byId(notification.severity === 'critical' ? 'alerts' : 'toasts').append(toast);
      if (notification.severity !== 'critical') {
        setTimeout(() => shown.has(notification) && dismiss(), SHOWN_MS);
      }
    }
  });
  /** @type {readonly Notification[]} */
  let told = [];
  // At once: the next frame of a hidden page comes when somebody looks at it again.
  notifications.subscribe(() => {
    const { announced } = notifications.getSnapshot();
    announced.filter((held) => !told.includes(held)).forEach(showOnDesktop);
    told = announced;
  });
}

/**
 * A critical one reaches a reader who looks elsewhere, if that was allowed.
 * @param {Notification} notification
 */
function showOnDesktop({ id, severity, title, body }) {
  if (severity === 'critical' && document.hidden && desktop()?.permission === 'granted') {
    try {
      new window.Notification(title, { body, tag: id });
    } catch (error) {
      // Browsers of phones have it and refuse it. The toast waits for the reader.
      console.warn('nothing is shown on the desktop', error);
    }
  }
}

/** What shows notifications outside the page; `undefined` where a browser has nothing for it. */
export function desktop() {
  return 'Notification' in window ? window.Notification : undefined;
}

/**
 * @param {Notification} notification
 * @param {() => void} dismiss
 */
function drawToast({ severity, title, body, action }, dismiss) {
  return h(
    'div',
    { class: 'toast', 'data-severity': severity },
    icon(ICONS[severity]),
    h(
      'div',
      { class: 'toast-text' },
      h('strong', {}, title),
      body !== undefined && h('p', {}, body),
      action && h('a', { href: action.href, onclick: dismiss }, action.label),
    ),
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', onclick: dismiss }, icon('close')),
  );
}
