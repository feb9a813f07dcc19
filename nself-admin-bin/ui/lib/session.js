// A client's session without I/O: the instants and frames that arrive go in, and frames to send,
// events, the state and the next deadline come out. It comes back for ever, unless it is told not to.
// Order of calls: after each `handle…`, `read`, `start` and `close`, take `pollAction` and `pollEvent`
// until they are empty, then wait until `pollTimeout` at most.

import { Backoff } from './backoff.js';
import { adviceOf } from './close_code.js';
import { hello, parseFrame, ping, pong, InvalidFrame } from './frames.js';
import { Subscriptions } from './subscriptions.js';
import { Timers } from './timers.js';

/** @import { Filter } from './filter.js' */
/** @import { ErrorFrame, Identity, ServerFrame, WelcomeFrame } from './frames.js' */
/** @import { RoomEvent } from './subscriptions.js' */

/**
 * `attempt` is the number of the next attempt since the connection was lost; without `nextAttemptAt` one is being
 * made right now.
 * @typedef {{name: 'connecting'} | {name: 'live'} | {name: 'closed', reason: string}
 *   | {name: 'reconnecting' | 'unreachable', attempt: number, nextAttemptAt: number | undefined}} State
 * @typedef {{kind: 'connect'} | {kind: 'disconnect'} | {kind: 'send', text: string}} Action
 * @typedef {RoomEvent | {kind: 'state', state: State} | {kind: 'welcome', identity: Identity}
 *   | {kind: 'pong', serverTime: string, roundTripMs: number}} SessionEvent
 * @typedef {'connect' | 'retry' | 'away' | 'silence' | 'healthy' | 'ping' | 'probe' | 'delayed'} Timer
 */

export class ClientSession {
  /** @type {State} */
  #state = { name: 'connecting' };
  /** @type {'none' | 'opening' | 'open' | 'welcomed'} */
  #socket = 'none';
  /** @type {Backoff} */
  #backoff;
  #subscriptions;
  /** @type {Timers<Timer>} */
  #timers = new Timers();
  /** @type {Map<number, number>} when each ping was sent */
  #pings = new Map();
  /** @type {Action[]} */
  #actions = [];
  /** @type {SessionEvent[]} */
  #events = [];
  /** @type {number | undefined} told by `closing`, for the loss that follows */
  #retryAfterMs;
  #silenceMs = DEFAULT_SILENCE_MS;
  #attempt = 0;
  #lastId = 0;
  #pingsSent = 0;

  /** @param {{identity: Identity | undefined, random: () => number}} options */
  constructor({ identity, random }) {
    this.identity = identity;
    this.#backoff = new Backoff(random);
    this.#subscriptions = new Subscriptions({
      nextId: () => this.#nextId(),
      send: (text) => this.#send(text),
      tell: (event) => this.#events.push(event),
    });
  }

  get state() {
    return this.#state;
  }

  /** @param {number} now */
  start(now) {
    this.#timers.set('away', now + AWAY_MS);
    this.#connect(now);
  }

  /** Ends the session for good. */
  close() {
    this.#stop('closed by this page');
  }

  /**
   * Reads a room through exactly these filters from now on; no filter ends it.
   * @param {string} room
   * @param {readonly Filter[]} filters
   */
  read(room, filters) {
    this.#subscriptions.read(room, filters);
  }

  /** @param {number} now */
  handleOpen(now) {
    this.#socket = 'open';
    this.#timers.set('silence', now + this.#silenceMs);
    if (this.identity !== undefined) {
      this.#send(hello(this.identity));
    }
    this.#subscriptions.handleOpen();
  }

  /**
   * @param {string} text
   * @param {number} now
   */
  handleMessage(text, now) {
    this.#timers.set('silence', now + this.#silenceMs);
    this.#timers.clear('probe');
    try {
      const frame = parseFrame(text);
      if (frame !== undefined) {
        this.#handleFrame(frame, now);
      }
    } catch (error) {
      if (!(error instanceof InvalidFrame)) {
        throw error;
      }
      this.#events.push({ kind: 'error', error: { code: 'invalid_frame', message: error.message } });
    }
  }

  /**
   * The socket is closed, or could not be opened.
   * @param {number} code
   * @param {string} reason
   * @param {number} now
   */
  handleClose(code, reason, now) {
    if (adviceOf(code) === 'return') {
      this.#lost(now);
    } else {
      this.#stop(reason === '' ? `closed by the server (${code})` : reason);
    }
  }

  /**
   * The network is back, the page is visible again, or somebody asks: does not wait for the backoff,
   * and doubts a connection that seems alive. A wait that the server asked for is kept.
   * @param {number} now
   */
  handleWake(now) {
    if (this.#socket === 'welcomed') {
      this.#ping(now);
      this.#timers.set('probe', now + PROBE_MS);
    } else if (this.#retryAfterMs === undefined && this.#timers.at('retry') !== undefined) {
      this.#connect(now);
    }
  }

  /** @param {number} now */
  handleTimeout(now) {
    for (let due = this.#timers.take(now); due !== undefined; due = this.#timers.take(now)) {
      this.#handleTimer(due, now);
    }
  }

  /** @returns {Action | undefined} */
  pollAction() {
    return this.#actions.shift();
  }

  /** @returns {SessionEvent | undefined} */
  pollEvent() {
    return this.#events.shift();
  }

  /** When `handleTimeout` wants to be called. */
  pollTimeout() {
    return this.#timers.next();
  }

  /**
   * @param {Timer} timer
   * @param {number} now
   */
  #handleTimer(timer, now) {
    switch (timer) {
      case 'retry':
        return this.#connect(now);
      case 'healthy':
        return this.#backoff.reset();
      case 'ping':
        return this.#ping(now);
      case 'away':
        return this.#setState(this.#awayState('unreachable'));
      case 'delayed':
        return this.#subscriptions.sendDelayed();
      case 'connect':
      case 'silence':
      case 'probe':
        this.#actions.push({ kind: 'disconnect' });
        return this.#lost(now);
    }
  }

  /**
   * @param {ServerFrame} frame
   * @param {number} now
   */
  #handleFrame(frame, now) {
    switch (frame.type) {
      case 'welcome':
        return this.#handleWelcome(frame, now);
      case 'heartbeat':
        return this.#send(pong());
      case 'pong':
        return this.#handlePong(frame.id, frame.data?.serverTime, now);
      case 'closing':
        this.#retryAfterMs = frame.data.retryAfterMs;
        return;
      case 'error':
        return this.#handleError(frame, now);
      default:
        return this.#subscriptions.handleFrame(frame);
    }
  }

  /**
   * @param {WelcomeFrame} frame
   * @param {number} now
   */
  #handleWelcome({ data }, now) {
    this.#socket = 'welcomed';
    this.#silenceMs = data.heartbeatMs + data.heartbeatTimeoutMs;
    this.#timers.set('silence', now + this.#silenceMs);
    this.#timers.clear('connect', 'away');
    this.#timers.set('healthy', now + HEALTHY_MS);
    this.identity = { session: data.sessionId, secret: data.secret };
    this.#events.push({ kind: 'welcome', identity: this.identity });
    this.#attempt = 0;
    this.#retryAfterMs = undefined;
    this.#setState({ name: 'live' });
    this.#ping(now);
  }

  /**
   * @param {number | undefined} id
   * @param {string | undefined} serverTime
   * @param {number} now
   */
  #handlePong(id, serverTime, now) {
    const sentAt = this.#pings.get(id ?? 0);
    this.#pings.delete(id ?? 0);
    if (sentAt !== undefined && serverTime !== undefined) {
      this.#events.push({ kind: 'pong', serverTime, roundTripMs: now - sentAt });
    }
  }

  /**
   * @param {ErrorFrame} frame
   * @param {number} now
   */
  #handleError(frame, now) {
    const waitMs = this.#subscriptions.handleError(frame);
    if (waitMs !== undefined) {
      this.#timers.set('delayed', now + waitMs);
    }
  }

  /** @param {number} now */
  #connect(now) {
    this.#socket = 'opening';
    this.#retryAfterMs = undefined;
    this.#timers.clear('retry');
    this.#timers.set('connect', now + CONNECT_MS);
    this.#actions.push({ kind: 'connect' });
    if (this.#state.name === 'reconnecting' || this.#state.name === 'unreachable') {
      this.#setState(this.#awayState(this.#state.name));
    }
  }

  /** @param {number} now */
  #lost(now) {
    this.#disconnected();
    this.#attempt += 1;
    this.#timers.set('retry', now + (this.#retryAfterMs ?? this.#backoff.nextMs()));
    if (this.#timers.at('away') === undefined && this.#state.name !== 'unreachable') {
      this.#timers.set('away', now + AWAY_MS);
    }
    this.#setState(
      this.#awayState(this.#state.name === 'unreachable' ? 'unreachable' : 'reconnecting'),
    );
  }

  /** @param {string} reason */
  #stop(reason) {
    if (this.#socket !== 'none') {
      this.#actions.push({ kind: 'disconnect' });
    }
    this.#disconnected();
    this.#timers.clear('away', 'retry');
    this.#setState({ name: 'closed', reason });
  }

  #disconnected() {
    this.#socket = 'none';
    this.#subscriptions.handleLost();
    this.#pings.clear();
    this.#pingsSent = 0;
    this.#timers.clear('connect', 'silence', 'healthy', 'ping', 'probe', 'delayed');
  }

  /** @param {number} now */
  #ping(now) {
    const id = this.#nextId();
    this.#pings.set(id, now);
    this.#send(ping(id));
    this.#pingsSent += 1;
    this.#timers.set('ping', now + (this.#pingsSent < FIRST_PINGS ? FIRST_PING_MS : PING_MS));
  }

  /**
   * @param {'reconnecting' | 'unreachable'} name
   * @returns {State}
   */
  #awayState(name) {
    return { name, attempt: this.#attempt, nextAttemptAt: this.#timers.at('retry') };
  }

  /** @param {State} state */
  #setState(state) {
    this.#state = state;
    this.#events.push({ kind: 'state', state });
  }

  /** @param {string} text */
  #send(text) {
    this.#actions.push({ kind: 'send', text });
  }

  #nextId() {
    this.#lastId += 1;
    return this.#lastId;
  }
}

const CONNECT_MS = 5_000;
const AWAY_MS = 5_000;
const HEALTHY_MS = 10_000;
const PROBE_MS = 5_000;
// Until `welcome` tells: 30 s to the heartbeat and 10 s for the answer.
const DEFAULT_SILENCE_MS = 40_000;
// A few pings at once tell the clocks apart; then one a minute follows their drift.
const FIRST_PINGS = 4;
const FIRST_PING_MS = 500;
const PING_MS = 60_000;
