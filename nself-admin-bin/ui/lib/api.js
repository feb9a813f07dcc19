// What the page asks for by HTTP: who it is, actions on services, and what of a log only the engine has.
// Everything that is live comes by the socket.

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
  /** The HTTP status; 0 if nobody answered. */
  status = 0;
  /** @type {number | undefined} how long to wait before the next attempt */
  retryAfterMs;
}

/**
 * @returns {Promise<Account>}
 * @throws {RequestError}
 */
export async function fetchAccount() {
  return (await request('/api/session', { method: 'GET' })).json();
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
 * @returns {Promise<LogLine[]>}
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
  const { lines } = await (await request(`/api/services/${path}/logs?${query}`, { method: 'GET' })).json();
  return lines;
}

/**
 * Stays signed in.
 * @returns {Promise<Account>}
 * @throws {RequestError}
 */
export async function renewSession() {
  return (await request('/api/session/renew', post({}))).json();
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
 * @throws {RequestError}
 */
export async function request(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    throw new RequestError('the server does not answer', { cause });
  }
  if (!response.ok) {
    throw errorOf(response, await response.text());
  }
  return response;
}

/**
 * @param {Response} response
 * @param {string} text
 */
function errorOf({ status, headers }, text) {
  const told = errorIn(text);
  // Something between the page and the server may answer in words of its own.
  const error = new RequestError(String(told?.message ?? `the server answered ${status}`));
  const seconds = Number.parseFloat(headers.get('Retry-After') ?? '');
  error.status = status;
  error.retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : undefined;
  return error;
}

/** @param {string} text */
function errorIn(text) {
  try {
    return JSON.parse(text).error;
  } catch {
    return undefined;
  }
}
