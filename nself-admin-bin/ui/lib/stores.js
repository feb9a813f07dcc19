// All stores of the page, and how the session's events reach them.

import { AccountStore } from './stores/account.js';
import { ActionsStore } from './stores/actions.js';
import { ClockStore } from './stores/clock.js';
import { ConnectionStore } from './stores/connection.js';
import { ContainerStatsStore } from './stores/container_stats.js';
import { DockerStatsStore } from './stores/docker_stats.js';
import { EngineStore } from './stores/engine.js';
import { LatencyStore } from './stores/latency.js';
import { LogsStore } from './stores/logs.js';
import { NotificationsStore } from './stores/notifications.js';
import { PresenceStore } from './stores/presence.js';
import { RoomsStore } from './stores/rooms.js';
import { ServiceStatusStore } from './stores/service_status.js';
import { SignInStore } from './stores/sign_in.js';

/** @import { SessionEvent } from './session.js' */

export class Stores {
  account = new AccountStore();
  actions = new ActionsStore();
  clock = new ClockStore();
  connection = new ConnectionStore(wallNow());
  containerStats = new ContainerStatsStore();
  dockerStats = new DockerStatsStore();
  engine = new EngineStore();
  latency = new LatencyStore();
  logs = new LogsStore();
  notifications = new NotificationsStore();
  presence = new PresenceStore();
  rooms = new RoomsStore();
  serviceStatus = new ServiceStatusStore();
  signIn = new SignInStore();

  /** @param {SessionEvent} event */
  handle(event) {
    this.signIn.handle(event, wallNow());
    this.presence.handle(event);
    switch (event.kind) {
      case 'state':
        return this.connection.handleState(event.state, wallNow(), performance.timeOrigin);
      case 'welcome':
        return this.latency.handleConnected();
      case 'pong':
        return this.latency.handlePong(event.serverTime, wallNow(), event.roundTripMs);
      default:
        this.rooms.handle(event);
        this.engine.handle(event);
        this.serviceStatus.handle(event);
        this.dockerStats.handle(event);
        this.containerStats.handle(event);
        this.logs.handle(event);
        this.actions.handle(event);
        this.notifications.handle(event, new Date(wallNow()).toISOString());
    }
  }
}

/** Finer than `Date.now`, and on the same line as the session's clock. */
function wallNow() {
  return performance.timeOrigin + performance.now();
}
