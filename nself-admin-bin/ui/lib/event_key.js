// By which field of its data an event of each type is kept and filtered.

/** @import { Event } from './frames.js' */

/** @type {Record<string, string>} */
const KEYS = {
  'service:status': 'service',
  'build:progress': 'buildId',
  'deploy:progress': 'deployId',
  'logs:stream': 'service',
  'docker:stats': 'containerId',
  'db:query:result': 'queryId',
  notification: 'id',
  'engine:status': 'engine',
  'room:status': 'room',
  presence: 'sessionId',
};

/**
 * The key of an event; `undefined` for types of an embedding program.
 * @param {Event} event
 * @returns {string | undefined}
 */
export function keyOf({ type, data }) {
  const field = KEYS[type];
  return field === undefined ? undefined : data[field];
}
