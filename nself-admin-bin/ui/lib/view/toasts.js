// Notifications in the corner. They go by themselves after a while, critical ones only when somebody puts
// them away.

import { byId, h } from './dom.js';
import { icon } from './icons.js';
import { view } from './view.js';

/** @import { NotificationsStore, Notification } from '../stores/notifications.js' */

const SHOWN_MS = 8_000;
const ICONS = /** @type {const} */ ({ info: 'info', warning: 'warning', critical: 'cross' });

/** @param {NotificationsStore} notifications */
export function startToasts(notifications) {
  /** @type {Map<Notification, HTMLElement>} */
  const shown = new Map();
  view([notifications], () => {
    const wanted = notifications.getSnapshot();
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
      action && h('a', { href: action.href }, action.label),
    ),
    h('button', { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', onclick: dismiss }, icon('close')),
  );
}
