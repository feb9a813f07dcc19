// What the page asks for by HTTP: who it is, actions on services, and what of a log only the engine has.
// Everything that is live comes by the socket.

/** @import { LogLine } from './stores/logs.js' */

/**
 * @typedef {{user: string, role: 'viewer' | 'operator' | 'admin', readOnly: boolean, demo: boolean,
 *   version: string}} Account
 * @typedef {'start' | 'stop' | 'restart'} ServiceAction
 */

/** @type {RequestInit} */
const POST = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' };

/** An answer other than success; its message is for people. */
export class RequestError extends Error {}

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
  await request(`/api/services/${path}`, POST);
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
  return (await request('/api/session/renew', POST)).json();
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function request(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (cause) {
    throw new RequestError('the server does not answer', { cause });
  }
  if (!response.ok) {
    throw new RequestError(await messageOf(response));
  }
  return response;
}

/** @param {Response} response */
async function messageOf(response) {
  const text = await response.text();
  try {
    return String(JSON.parse(text).error.message);
  } catch {
    // Something between the page and the server answered, in words of its own.
    return `the server answered ${response.status}`;
  }
}
