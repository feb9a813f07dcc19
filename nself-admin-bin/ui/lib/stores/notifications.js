// Notifications that came since the page was opened and that nobody has put away. Those from before
// are old news.

import { Store } from '../store.js';

/** @import { SessionEvent } from '../session.js' */

const SHOWN = 4;

/**
 * @typedef {{id: string, severity: 'info' | 'warning' | 'critical', title: string, body?: string,
 *   service?: string, action?: {label: string, href: string}}} Notification
 */

/** @extends {Store<readonly Notification[]>} */
export class NotificationsStore extends Store {
  /** @type {Notification[]} */
  #notifications = [];

  constructor() {
    super(() => [...this.#notifications]);
  }

  /** @param {SessionEvent} event */
  handle(event) {
    if (event.kind === 'events') {
      for (const { type, data } of event.events) {
        if (type === 'notification') {
          this.#add(data);
        }
      }
    } else if (event.kind === 'error') {
      const { code, message } = event.error;
      this.#add({ id: `error ${code}`, severity: 'warning', title: 'Trouble on the connection', body: message });
    }
  }

  /** @param {string} id */
  dismiss(id) {
    this.#notifications = this.#notifications.filter((held) => held.id !== id);
    this.changed();
  }

  /** @param {Notification} notification */
  #add(notification) {
    const others = this.#notifications.filter((held) => held.id !== notification.id);
    this.#notifications = [...others, notification].slice(-SHOWN);
    this.changed();
  }
}
