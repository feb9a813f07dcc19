// The last 100 notifications, and which of them are announced: those that came since the page was opened
// and that nobody has put away.

import { Store } from '../store.js';

/** @import { SessionEvent } from '../session.js' */

const KEPT = 100;
const ANNOUNCED = 4;

/**
 * @typedef {{id: string, severity: 'info' | 'warning' | 'critical', title: string, body?: string,
 *   service?: string, action?: {label: string, href: string}}} Notification
 * @typedef {{notification: Notification, at: string}} Held
 * @typedef {{all: readonly Held[], announced: readonly Notification[], unread: number}} Notifications newest
 *   first; the announced ones last
 */

/** @extends {Store<Notifications>} */
export class NotificationsStore extends Store {
  /** @type {Held[]} */
  #all = [];
  /** @type {Notification[]} */
  #announced = [];
  #unread = 0;

  constructor() {
    super(() => ({ all: [...this.#all], announced: [...this.#announced], unread: this.#unread }));
  }

  /**
   * @param {SessionEvent} event
   * @param {string} now
   */
  handle(event, now) {
    if (event.kind === 'events' || event.kind === 'snapshot') {
      for (const { type, timestamp, data } of event.events) {
        if (type === 'notification') {
          // What was there before the page is old news, and what came while it was away is not.
          this.#add(data, timestamp, event.kind === 'events' || event.reset);
        }
      }
    } else if (event.kind === 'error') {
      const { code, message } = event.error;
      this.warn(`error ${code}`, 'Trouble on the connection', message, now);
    }
  }

  /**
   * Announces what this page alone knows of.
   * @param {string} id
   * @param {string} title
   * @param {string} body
   * @param {string} now
   */
  warn(id, title, body, now) {
    this.#add({ id, severity: 'warning', title, body }, now, true);
  }

  /** @param {string} id */
  dismiss(id) {
    this.#announced = this.#announced.filter((held) => held.id !== id);
    this.changed();
  }

  /** Somebody has looked at all of them. */
  read() {
    this.#unread = 0;
    this.changed();
  }

  /**
   * @param {Notification} notification
   * @param {string} at
   * @param {boolean} announce
   */
  #add(notification, at, announce) {
    const known = this.#all.find((held) => held.notification.id === notification.id);
    if (known?.at === at) {
      return;
    }
    const others = this.#all.filter((held) => held !== known);
    this.#all = [{ notification, at }, ...others].slice(0, KEPT);
    if (announce) {
      this.#unread = Math.min(this.#unread + 1, KEPT);
      const announced = this.#announced.filter((held) => held.id !== notification.id);
      this.#announced = [...announced, notification].slice(-ANNOUNCED);
    }
    this.changed();
  }
}
