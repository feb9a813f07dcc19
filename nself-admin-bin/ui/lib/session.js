// A client's session without I/O: instants, frames and answers go in, and frames to send, requests,
// events, the state and the next deadline come out. It comes back for ever, unless it is told not to, and
// while the socket is away for long it polls. Order of calls: after each `handle…`, `read`, `lookAt`
// and `start`, take `pollAction` and `pollEvent` until they are empty, then wait until `pollTimeout` at most.

import { Backoff, bounded } from './backoff.js';
import { adviceOf } from './close_code.js';
import { hello, parseFrame, ping, pong, presence, InvalidFrame } from './frames.js';
import { Polling } from './polling.js';
import { Subscriptions } from './subscriptions.js';
import { Timers } from './timers.js';

/** @import { Filter } from './filter.js' */
/** @import { ErrorFrame, ExpiringFrame, Identity, Looking, ServerFrame, WelcomeFrame } from './frames.js' */
/** @import { Outcome } from './polling.js' */
/** @import { RoomEvent } from './subscriptions.js' */

/**
 * `polling`: the socket is away for long, the server answers. `unreachable`: it does not. `attempt` is the
 * number of the next attempt since the connection was lost; without `nextAttemptAt` one is being made.
 * @typedef {{name: 'connecting'} | {name: 'live'} | {name: 'closed' | 'signedOut', reason: string}
 *   | {name: Away, attempt: number, nextAttemptAt: number | undefined}} State
 * @typedef {'reconnecting' | 'polling' | 'unreachable'} Away
 */

/**
 * `cancel` a request: nobody waits for its answer any more.
 * @typedef {{kind: 'connect'} | {kind: 'disconnect'} | {kind: 'send', text: string}
 *   | {kind: 'request', id: number, method: 'GET' | 'POST', path: string, body: string | undefined}
 *   | {kind: 'cancel', id: number}} Action
 * @typedef {{status: number, retryAfterMs: number | undefined, text: string}} Response
 * @typedef {RoomEvent | {kind: 'state', state: State} | {kind: 'pong', serverTime: string, roundTripMs: number}
 *   | {kind: 'welcome', identity: Identity} | {kind: 'expiring', expiring: ExpiringFrame['data']}} SessionEvent
 * @typedef {'connect' | 'retry' | 'away' | 'silence' | 'healthy' | 'ping' | 'probe' | 'delayed' | 'poll'
 *   | 'pollAnswer' | 'askAnswer'} Timer
 */

export class ClientSession {
  /** @type {State} */
  #state = { name: 'connecting' };
  /** @type {'none' | 'opening' | 'open' | 'welcomed'} */
  #socket = 'none';
  /** @type {Backoff} */
  #backoff;
  #subscriptions;
  #polling;
  /** @type {Timers<Timer>} */
  #timers = new Timers();
  /** The connection is lost for so long that polls stand in for it. */
  #isAway = false;
  /** The server has answered since the connection was lost. */
  #reachable = false;
  /** @type {number | undefined} the request that asks why an upgrade failed */
  #asking;
  /** @type {Looking | undefined} */
  #looking;
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
    const out = { nextId: () => this.#nextId(), act: (/** @type {Action} */ action) => this.#actions.push(action) };
    this.#polling = new Polling(out, this.#subscriptions, this.#timers);
  }

  get state() {
    return this.#state;
  }

  /**
   * Connects; again, if it was closed or signed out.
   * @param {number} now
   */
  start(now) {
    if (this.#state.name !== 'connecting') {
      this.#setState({ name: 'connecting' });
    }
    this.#timers.set('away', now + AWAY_MS);
    this.#connect(now);
  }

  /**
   * Reads a room through exactly these filters from now on; no filter ends it.
   * @param {string} room
   * @param {readonly Filter[]} filters
   * @param {number} now
   */
  read(room, filters, now) {
    this.#subscriptions.read(room, filters);
    this.#polling.handleWish(now);
  }

  /**
   * Says what this session looks at, now and on every connection to come.
   * @param {Looking} looking
   */
  lookAt(looking) {
    this.#looking = looking;
    if (this.#socket === 'open' || this.#socket === 'welcomed') {
      this.#send(presence(looking));
    }
  }

  /** @param {number} now */
  handleOpen(now) {
    this.#socket = 'open';
    this.#polling.end();
    this.#timers.set('silence', now + this.#silenceMs);
    if (this.identity !== undefined) {
      this.#send(hello(this.identity));
    }
    this.#subscriptions.handleOpen();
    if (this.#looking !== undefined) {
      this.#send(presence(this.#looking));
    }
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
      const name = code === SIGNED_OUT ? 'signedOut' : 'closed';
      this.#stop(name, reason === '' ? `closed by the server (${code})` : reason);
    }
  }

  /**
   * A request is answered, or has failed.
   * @param {number} id
   * @param {Response | undefined} response `undefined`: there is no answer
   * @param {number} now
   */
  handleResponse(id, response, now) {
    if (id === this.#asking) {
      this.#asking = undefined;
      this.#timers.clear('askAnswer');
      this.#handleReason(response, now);
    } else {
      this.#handleOutcome(this.#polling.handleResponse(id, response, now));
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
        this.#isAway = true;
        this.#beginPolling(now);
        return this.#setState(this.#awayState());
      case 'poll':
        return this.#polling.handleDue(now);
      case 'pollAnswer':
        this.#polling.handleNoAnswer();
        return this.#handleOutcome('unreachable');
      case 'askAnswer':
        this.#cancelAsking();
        return this.#handleReason(undefined, now);
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
        if (frame.data.retryAfterMs !== undefined) {
          this.#retryAfterMs = bounded(frame.data.retryAfterMs);
        }
        return;
      case 'session:expiring':
        this.#events.push({ kind: 'expiring', expiring: frame.data });
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
    this.#isAway = false;
    this.#reachable = false;
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
    if (this.#attempt > 0) {
      this.#setState(this.#awayState());
    }
  }

  /** @param {number} now */
  #lost(now) {
    const refused = this.#socket === 'opening';
    this.#disconnected();
    this.#attempt += 1;
    this.#timers.set('retry', now + (this.#retryAfterMs ?? this.#backoff.nextMs()));
    if (this.#isAway && !refused) {
      this.#beginPolling(now);
    } else if (!this.#isAway && this.#timers.at('away') === undefined) {
      this.#timers.set('away', now + AWAY_MS);
    }
    if (refused) {
      this.#ask(now);
    }
    this.#setState(this.#awayState());
  }

  /** @param {number} now */
  #beginPolling(now) {
    // An open socket has been asked for the rooms: what it delivers must not come by a poll, too.
    if (this.#socket === 'none' || this.#socket === 'opening') {
      this.#polling.begin(now);
    }
  }

  /**
   * Asks why an upgrade failed: the socket itself does not tell.
   * @param {number} now
   */
  #ask(now) {
    this.#cancelAsking();
    this.#asking = this.#nextId();
    this.#timers.set('askAnswer', now + ASK_MS);
    this.#actions.push({ kind: 'request', id: this.#asking, method: 'GET', path: SESSION_PATH, body: undefined });
  }

  #cancelAsking() {
    if (this.#asking !== undefined) {
      this.#actions.push({ kind: 'cancel', id: this.#asking });
      this.#asking = undefined;
    }
    this.#timers.clear('askAnswer');
  }

  /**
   * @param {Response | undefined} response
   * @param {number} now
   */
  #handleReason(response, now) {
    const { status, retryAfterMs } = response ?? { status: 0, retryAfterMs: undefined };
    if (retryAfterMs !== undefined && this.#timers.at('retry') !== undefined) {
      this.#retryAfterMs = retryAfterMs;
      this.#timers.set('retry', now + retryAfterMs);
    }
    if (status === 401) {
      return this.#handleOutcome('signedOut');
    }
    const answers = retryAfterMs !== undefined || (status > 0 && status < 500);
    if (answers && this.#isAway) {
      this.#beginPolling(now);
    }
    // Polls that are answered say more than one question that was not.
    if (answers || !this.#polling.active) {
      this.#handleOutcome(answers ? 'reachable' : 'unreachable');
    }
  }

  /** @param {Outcome} outcome */
  #handleOutcome(outcome) {
    if (outcome === 'stale') {
      return;
    }
    if (outcome === 'signedOut') {
      return this.#stop('signedOut', 'nobody is signed in');
    }
    this.#reachable = outcome === 'reachable';
    if (this.#isAway && this.#state.name !== this.#awayState().name) {
      this.#setState(this.#awayState());
    }
  }

  /**
   * @param {'closed' | 'signedOut'} name
   * @param {string} reason
   */
  #stop(name, reason) {
    if (this.#socket !== 'none') {
      this.#actions.push({ kind: 'disconnect' });
    }
    this.#disconnected();
    this.#cancelAsking();
    this.#polling.end();
    this.#timers.clear('away', 'retry');
    this.#isAway = false;
    this.#attempt = 0;
    this.#setState({ name, reason });
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

  /** @returns {State} */
  #awayState() {
    const name = !this.#isAway ? 'reconnecting' : this.#reachable ? 'polling' : 'unreachable';
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

const SESSION_PATH = '/api/session';
const SIGNED_OUT = 4501;
const CONNECT_MS = 5_000;
const ASK_MS = 5_000;
const AWAY_MS = 5_000;
const HEALTHY_MS = 10_000;
const PROBE_MS = 5_000;
// Until `welcome` tells: 30 s to the heartbeat and 10 s for the answer.
const DEFAULT_SILENCE_MS = 40_000;
// A few pings at once tell the clocks apart; then one a minute follows their drift.
const FIRST_PINGS = 4;
const FIRST_PING_MS = 500;
const PING_MS = 60_000;
