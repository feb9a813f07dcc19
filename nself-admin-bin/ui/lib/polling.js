// Reading by polls while the socket is away: one request at a time for all rooms, from the cursors where
// the socket stopped. An answer counts only while its request is the outstanding one: whoever stops the
// polls, or asks for something else, gets nothing twice.

import { InvalidFrame } from './frames.js';
import { parsePolled, parseRefusal, pollBody, refusedIndex } from './poll.js';

/** @import { PollSubscription } from './poll.js' */
/** @import { Action, Response, Timer } from './session.js' */
/** @import { Subscriptions } from './subscriptions.js' */
/** @import { Timers } from './timers.js' */

/**
 * @typedef {{nextId: () => number, act: (action: Action) => void}} Output
 * @typedef {{id: number, sentAt: number, waitMs: number, subscriptions: PollSubscription[]}} Pending
 */

/** What an answer says of the server: it is there, it does not answer, or nobody is signed in. */
/** @typedef {'reachable' | 'unreachable' | 'signedOut' | 'stale'} Outcome */

export class Polling {
  #out;
  #subscriptions;
  #timers;
  #active = false;
  /** @type {Pending | undefined} */
  #pending;
  /** The last poll was answered: the next one may wait for events. */
  #answered = false;

  /**
   * @param {Output} out
   * @param {Subscriptions} subscriptions
   * @param {Timers<Timer>} timers of the session; `poll` and `pollAnswer` are set here
   */
  constructor(out, subscriptions, timers) {
    this.#out = out;
    this.#subscriptions = subscriptions;
    this.#timers = timers;
  }

  get active() {
    return this.#active;
  }

  /** @param {number} now */
  begin(now) {
    if (!this.#active) {
      this.#active = true;
      this.#answered = false;
      this.#poll(now);
    }
  }

  /** Ends polling; an answer that is still to come counts no more. */
  end() {
    this.#active = false;
    this.#cancel();
    this.#timers.clear('poll');
  }

  /**
   * What is wanted has changed: the outstanding request asks for something else.
   * @param {number} now
   */
  handleWish(now) {
    if (this.#active) {
      this.#cancel();
      this.#timers.set('poll', now);
    }
  }

  /**
   * The timer `poll` is due.
   * @param {number} now
   */
  handleDue(now) {
    if (this.#active && this.#pending === undefined) {
      this.#poll(now);
    }
  }

  /**
   * @param {number} id
   * @param {Response | undefined} response `undefined`: none came
   * @param {number} now
   * @returns {Outcome}
   */
  handleResponse(id, response, now) {
    const pending = this.#pending;
    if (pending === undefined || pending.id !== id) {
      return 'stale';
    }
    this.#pending = undefined;
    this.#timers.clear('pollAnswer');
    if (response === undefined) {
      this.end();
      return 'unreachable';
    }
    if (response.status === 200) {
      return this.#handleAnswer(response.text, pending, now);
    }
    if (response.status === 401) {
      return 'signedOut';
    }
    if (response.retryAfterMs !== undefined) {
      this.#timers.set('poll', now + response.retryAfterMs);
      return 'reachable';
    }
    return this.#handleRefusal(response, pending, now);
  }

  /** The timer `pollAnswer` is due: the request is given up. */
  handleNoAnswer() {
    this.end();
  }

  /** @param {number} now */
  #poll(now) {
    const subscriptions = this.#subscriptions.toPoll();
    if (subscriptions.length === 0) {
      return;
    }
    const waitMs = this.#answered ? WAIT_MS : 0;
    const id = this.#out.nextId();
    this.#pending = { id, sentAt: now, waitMs, subscriptions };
    this.#timers.set('pollAnswer', now + waitMs + PATIENCE_MS);
    const body = pollBody(waitMs, subscriptions);
    this.#out.act({ kind: 'request', id, method: 'POST', path: '/api/poll', body });
  }

  /**
   * @param {string} text
   * @param {Pending} pending
   * @param {number} now
   * @returns {Outcome}
   */
  #handleAnswer(text, { sentAt, waitMs, subscriptions }, now) {
    let rooms;
    try {
      rooms = parsePolled(text);
    } catch (error) {
      if (!(error instanceof InvalidFrame)) {
        throw error;
      }
      this.#subscriptions.tellError({ code: 'invalid_frame', message: error.message });
      this.end();
      return 'unreachable';
    }
    this.#answered = true;
    const told = this.#subscriptions.handlePolled(rooms, subscriptions);
    // A server that stops answers before its time with nothing: asking at once would never end.
    const inVain = !told && now - sentAt < waitMs;
    this.#timers.set('poll', inVain ? now + PAUSE_MS : now);
    return 'reachable';
  }

  /**
   * @param {Response} response
   * @param {Pending} pending
   * @param {number} now
   * @returns {Outcome}
   */
  #handleRefusal({ status, text }, { subscriptions }, now) {
    const error = parseRefusal(text);
    if (error === undefined || status >= 500) {
      // What answers is not the server, or it is broken.
      this.end();
      return 'unreachable';
    }
    const refused = subscriptions[refusedIndex(error) ?? -1];
    if (refused === undefined) {
      this.#subscriptions.tellError(error);
      this.#timers.set('poll', now + WAIT_MS);
    } else {
      this.#subscriptions.handlePollRefused(refused.room, error);
      this.#timers.set('poll', now);
    }
    return 'reachable';
  }

  #cancel() {
    if (this.#pending !== undefined) {
      this.#out.act({ kind: 'cancel', id: this.#pending.id });
      this.#pending = undefined;
      this.#timers.clear('pollAnswer');
    }
  }
}

const WAIT_MS = 20_000;
// What a request may take beyond the time that it waits for events.
const PATIENCE_MS = 5_000;
const PAUSE_MS = 1_000;
