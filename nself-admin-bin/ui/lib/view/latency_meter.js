// Measures from an event's publication to its painting. Only what was published just now counts, and
// only while the page is on the screen: hidden pages are not painted.

import { afterPaint } from './frame.js';

/** @import { SessionEvent } from '../session.js' */
/** @import { LatencyStore } from '../stores/latency.js' */

/** @param {LatencyStore} latency */
export function latencyMeter(latency) {
  /** @type {string[]} */
  let waiting = [];
  const painted = (/** @type {number} */ now) => latency.handlePainted(waiting.splice(0), now);
  document.addEventListener('visibilitychange', () => {
    waiting = [];
  });
  return (/** @type {SessionEvent} */ event) => {
    if (event.kind === 'events' && event.live && !document.hidden) {
      const fresh = event.events.filter(({ data }) => data.history === undefined);
      waiting.push(...fresh.map(({ timestamp }) => timestamp));
      afterPaint(painted);
    }
  };
}
