// The stores of the page, and how the session's events reach them. Those that every page needs are always
// there; those of one page are made when somebody first goes to it, and stay.

import { AccountStore } from './stores/account.js';
import { ActionsStore } from './stores/actions.js';
import { ClockStore } from './stores/clock.js';
import { ConnectionStore } from './stores/connection.js';
import { DockerStatsStore } from './stores/docker_stats.js';
import { EngineStore } from './stores/engine.js';
import { LatencyStore } from './stores/latency.js';
import { NotificationsStore } from './stores/notifications.js';
import { PresenceStore } from './stores/presence.js';
import { RoomsStore } from './stores/rooms.js';
import { ServiceStatusStore } from './stores/service_status.js';
import { SignInStore } from './stores/sign_in.js';

/** @import { SessionEvent } from './session.js' */
/** @import { Store } from './store.js' */

/** @typedef {Store<any> & {handle: (event: SessionEvent) => void}} EventStore */

export class Stores {
  account = new AccountStore();
  actions = new ActionsStore();
  clock = new ClockStore();
  connection = new ConnectionStore(Date.now());
  dockerStats = new DockerStatsStore();
  engine = new EngineStore();
  latency = new LatencyStore();
  notifications = new NotificationsStore();
  presence = new PresenceStore();
  rooms = new RoomsStore();
  serviceStatus = new ServiceStatusStore();
  signIn = new SignInStore();

  /** @type {Map<Function, EventStore>} */
  #ofPages = new Map();

  /**
   * The store of this kind, which is not made before somebody asks for it.
   * @template {EventStore} S
   * @param {new () => S} Kind
   * @returns {S}
   */
  of(Kind) {
    const held = this.#ofPages.get(Kind) ?? new Kind();
    this.#ofPages.set(Kind, held);
    return /** @type {S} */ (held);
  }

  /** The server's clock as of the last tick, in milliseconds since 1970. */
  get serverNow() {
    return this.clock.getSnapshot() + this.latency.getSnapshot().offsetMs;
  }

  /** @param {SessionEvent} event */
  handle(event) {
    // One clock for all: the session's own stands still while the computer sleeps.
    const now = Date.now();
    this.account.handle(event);
    this.signIn.handle(event, now);
    this.presence.handle(event);
    switch (event.kind) {
      case 'state':
        return this.connection.handleState(event.state, now, now - performance.now());
      case 'welcome':
        return this.latency.handleConnected();
      case 'pong':
        return this.latency.handlePong(event.serverTime, now, event.roundTripMs);
      default:
        this.rooms.handle(event);
        this.engine.handle(event);
        this.serviceStatus.handle(event);
        this.dockerStats.handle(event);
        this.actions.handle(event);
        this.notifications.handle(event, new Date(this.serverNow).toISOString());
        this.#ofPages.forEach((store) => store.handle(event));
    }
  }
}
