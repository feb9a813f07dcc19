// What the page asks for about builds; how they go comes by the socket.

import { post, request } from './api.js';

/**
 * Begins a build of the server's project.
 * @returns {Promise<{buildId: string}>}
 * @throws {import('./api.js').RequestError}
 */
export async function startBuild() {
  return request('/api/build', post({}));
}

/**
 * @param {string} buildId
 * @throws {import('./api.js').RequestError}
 */
export async function cancelBuild(buildId) {
  await request(`/api/build/${encodeURIComponent(buildId)}`, { ...post({}), method: 'DELETE' });
}
