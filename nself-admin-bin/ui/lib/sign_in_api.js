// Signing in; the server answers with a cookie that no script sees.

import { post, request } from './api.js';

/**
 * @param {string} password
 * @throws {import('./api.js').RequestError}
 */
export async function signInWithPassword(password) {
  await request('/api/login', post({ password }));
}

/**
 * @param {string} token of a one-time link
 * @throws {import('./api.js').RequestError}
 */
export async function signInWithLink(token) {
  await request('/api/bootstrap', post({ token }));
}
