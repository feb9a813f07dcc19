// The thin I/O around the session: one WebSocket at a time, its requests, one timer, and the page's signs
// of life. It decides nothing; every decision is `ClientSession`'s.

import { answerOf } from './api.js';
import { SUBPROTOCOL } from './frames.js';
import { ClientSession } from './session.js';

/** @import { Action, SessionEvent } from './session.js' */
/** @import { Filter } from './filter.js' */
/** @import { Identity, Looking } from './frames.js' */

export class Client {
  #url;
  #session;
  /** @type {WebSocket | undefined} */
  #socket;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Map<number, AbortController>} requests that are not answered yet */
  #requests = new Map();
  /** @type {Set<(event: SessionEvent) => void>} */
  #listeners = new Set();
  #pumping = false;

  /** @param {string} url of the WebSocket */
  constructor(url) {
    this.#url = url;
    this.#session = new ClientSession({ identity: heldIdentity(), random: Math.random });
  }

  start() {
    this.#handle((now) => this.#session.start(now));
    addEventListener('online', () => this.wake());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') {
        this.wake();
      }
    });
    // Said in time, a reload is no second session beside this one.
    addEventListener('pagehide', () => this.#disconnect());
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted) {
        this.#handle((now) => this.#session.handleClose(GONE_AWAY, '', now));
        this.wake();
      }
    });
  }

  /**
   * Reads a room through exactly these filters from now on; no filter ends it.
   * @param {string} room
   * @param {readonly Filter[]} filters
   */
  read(room, filters) {
    this.#handle((now) => this.#session.read(room, filters, now));
  }

  /**
   * Says what this session looks at.
   * @param {Looking} looking
   */
  lookAt(looking) {
    this.#handle(() => this.#session.lookAt(looking));
  }

  /** Tries at once if disconnected; else makes sure that the server is still there. */
  wake() {
    this.#handle((now) => this.#session.handleWake(now));
  }

  /**
   * @param {(event: SessionEvent) => void} listener
   * @returns {() => void} ends it
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #pump() {
    if (this.#pumping) {
      // A listener asked for something: the turn that called it goes on with that.
      return;
    }
    this.#pumping = true;
    try {
      while (this.#turn());
    } finally {
      this.#pumping = false;
    }
    this.#arm();
  }

  /** Does what the session asks for next; false if there is nothing. */
  #turn() {
    const action = this.#session.pollAction();
    if (action !== undefined) {
      this.#act(action);
      return true;
    }
    const event = this.#session.pollEvent();
    if (event !== undefined) {
      this.#tell(event);
    }
    return event !== undefined;
  }

  /** @param {Action} action */
  #act(action) {
    switch (action.kind) {
      case 'connect':
        return this.#connect();
      case 'send':
        return this.#socket?.send(action.text);
      case 'disconnect':
        return this.#disconnect();
      case 'request':
        this.#request(action);
        return;
      case 'cancel':
        this.#requests.get(action.id)?.abort();
        this.#requests.delete(action.id);
    }
  }

  /** @param {Extract<Action, {kind: 'request'}>} request */
  async #request({ id, method, path, body }) {
    const aborting = new AbortController();
    this.#requests.set(id, aborting);
    const headers = body === undefined ? undefined : { 'Content-Type': 'application/json' };
    const response = await answerOf(path, { method, headers, body, signal: aborting.signal });
    if (this.#requests.delete(id)) {
      this.#handle((now) => this.#session.handleResponse(id, response, now));
    }
  }

  /** @param {SessionEvent} event */
  #tell(event) {
    if (event.kind === 'welcome') {
      sessionStorage.setItem(IDENTITY, JSON.stringify(event.identity));
    }
    for (const listener of this.#listeners) {
      listener(event);
    }
  }

  #arm() {
    clearTimeout(this.#timer);
    const at = this.#session.pollTimeout();
    if (at !== undefined) {
      // A timer may fire a fraction of a millisecond early: rounding up spares a turn in vain.
      const wait = Math.max(0, Math.ceil(at - performance.now()));
      this.#timer = setTimeout(() => this.#handle((now) => this.#session.handleTimeout(now)), wait);
    }
  }

  #connect() {
    const socket = new WebSocket(this.#url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#handle((now) => this.#session.handleOpen(now));
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') {
        this.#handle((now) => this.#session.handleMessage(data, now));
      }
    };
    socket.onclose = ({ code, reason }) => {
      this.#socket = undefined;
      this.#handle((now) => this.#session.handleClose(code, reason, now));
    };
  }

  #disconnect() {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) {
      socket.onopen = null;
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
  }

  /** @param {(now: number) => void} input */
  #handle(input) {
    input(performance.now());
    this.#pump();
  }
}

const GONE_AWAY = 1001;

// Of this tab alone, and it outlives a reload: so a reload is the same session.
const IDENTITY = 'nself.session';

/** @returns {Identity | undefined} */
function heldIdentity() {
  const text = sessionStorage.getItem(IDENTITY);
  return text === null ? undefined : JSON.parse(text);
}
