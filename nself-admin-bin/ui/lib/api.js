// What the page asks for by HTTP: who it is, and actions on services. All data comes by the socket.

/**
 * @typedef {{user: string, role: 'viewer' | 'operator' | 'admin', readOnly: boolean, demo: boolean,
 *   version: string}} Account
 * @typedef {'start' | 'stop' | 'restart'} ServiceAction
 */

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
  await request(`/api/services/${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
  });
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
