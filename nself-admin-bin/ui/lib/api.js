// What the page asks for by HTTP: who it is, actions on services, and what of a log only the engine has.
// Everything that is live comes by the socket.

import { bounded } from './backoff.js';

/** @import { Response } from './session.js' */
/** @import { LogLine } from './stores/logs.js' */

/**
 * `signIn`: the server asks who one is. `project`: the room of what builds act on. `expiresAt`: when the
 * sign-in ends.
 * @typedef {{user: string, role: 'viewer' | 'operator' | 'admin', readOnly: boolean, demo: boolean,
 *   version: string, signIn?: boolean, expiresAt?: string | null, environment?: string, project?: string}} Account
 * @typedef {'start' | 'stop' | 'restart'} ServiceAction
 */

/** An answer other than success, or none; its message is for people. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {{status: number, retryAfterMs: number | undefined}} [answer] `status`: of HTTP, 0 if nobody answered;
   *   `retryAfterMs`: how long to wait before the next attempt
   */
  constructor(message, { status, retryAfterMs } = { status: 0, retryAfterMs: undefined }) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * @returns {Promise<Account>}
 * @throws {RequestError}
 */
export async function fetchAccount() {
  return request('/api/session', { method: 'GET' });
}

/**
 * Asks for an action. Its outcome comes as events of the service.
 * @param {string} project
 * @param {string} service
 * @param {ServiceAction} action
 * @throws {RequestError}
 */
export async function act(project, service, action) {
  const path = [project, service, action].map(encodeURIComponent).join('/');
  await request(`/api/services/${path}`, post({}));
}

/**
 * Lines of a service from the engine's own log, oldest first, `since` and `until` included.
 * @param {string} project
 * @param {string} service
 * @param {{since?: string, until?: string, tail?: number}} range
 * @returns {Promise<{lines: LogLine[], whole: boolean}>} `whole`: all of it could be read that there is
 * @throws {RequestError}
 */
export async function fetchLog(project, service, range) {
  const path = [project, service].map(encodeURIComponent).join('/');
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(range)) {
    if (value !== undefined) {
      query.set(name, String(value));
    }
  }
  const { lines, unavailable } = await request(`/api/services/${path}/logs?${query}`, { method: 'GET' });
  return { lines, whole: unavailable.length === 0 };
}

/**
 * Stays signed in, from now on for the whole time again.
 * @returns {Promise<Account>}
 * @throws {RequestError}
 */
export async function renewSession() {
  return request('/api/session/renew', post({}));
}

/** @throws {RequestError} */
export async function signOut() {
  await request('/api/logout', post({}));
}

/**
 * A request that changes something.
 * @param {object} body
 * @returns {RequestInit}
 */
export function post(body) {
  return { method: 'POST', headers: JSON_BODY, body: JSON.stringify(body) };
}

const JSON_BODY = { 'Content-Type': 'application/json' };

/**
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<any>} what the answer's JSON says; `undefined` if it is empty
 * @throws {RequestError}
 */
export async function request(path, init) {
  const answer = await answerOf(path, init);
  if (answer === undefined) {
    throw new RequestError('the server does not answer');
  }
  const { status, text } = answer;
  const told = valueOf(text);
  if (status < 200 || status > 299 || (told === undefined && text !== '')) {
    // Something between the page and the server may answer in words of its own.
    throw new RequestError(String(told?.error?.message ?? `the server answered ${status}`), answer);
  }
  return told;
}

/**
 * Asks, and reads the answer to its end.
 * @param {string} path
 * @param {RequestInit} init
 * @returns {Promise<Response | undefined>} `undefined`: nobody answered, or not to the end
 */
export async function answerOf(path, init) {
  try {
    const response = await fetch(path, { ...init, cache: 'no-store' });
    const seconds = Number.parseFloat(response.headers.get('Retry-After') ?? '');
    // At once would be at once again and again.
    const retryAfterMs = Number.isFinite(seconds) ? bounded(Math.max(seconds, 1) * 1_000) : undefined;
    return { status: response.status, retryAfterMs, text: await response.text() };
  } catch {
    // What exactly failed on the way a browser does not tell.
    return undefined;
  }
}

/** @param {string} text */
function valueOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
