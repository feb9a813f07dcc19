// The page's icons: strokes on a grid of 24 by 24. They repeat what a text beside them says, so screen
// readers skip them.

import { svg } from './dom.js';

/** @typedef {keyof typeof PATHS} IconName */

const WIFI = ['M3.5 9.5a12.5 12.5 0 0 1 17 0', 'M7 13.2a7.5 7.5 0 0 1 10 0', 'M12 17.6h.01'];
const ROUND = 'M12 3.5a8.5 8.5 0 1 1 0 17a8.5 8.5 0 0 1 0-17z';

const PATHS = {
  wifi: WIFI,
  wifiOff: [...WIFI, 'M4 3.5l16 17'],
  check: [ROUND, 'M8 12.2l2.8 2.8L16 9.5'],
  warning: ['M12 4l9 15.5H3z', 'M12 10v4', 'M12 16.8h.01'],
  cross: [ROUND, 'M9 9l6 6', 'M15 9l-6 6'],
  square: [ROUND, 'M9.5 9.5h5v5h-5z'],
  pause: [ROUND, 'M10 9v6', 'M14 9v6'],
  dot: [ROUND],
  turning: ['M19.5 8.5A8.2 8.2 0 0 0 4 11', 'M20 4v5h-5', 'M4.5 15.5A8.2 8.2 0 0 0 20 13', 'M4 20v-5h5'],
  lines: ['M4 6h16', 'M4 12h16', 'M4 18h10'],
  down: ['M12 5v13', 'M6.5 12.5L12 18l5.5-5.5'],
  info: [ROUND, 'M12 11v5', 'M12 8h.01'],
  play: ['M8 5.5v13l10.5-6.5z'],
  hold: ['M8.5 6v12', 'M15.5 6v12'],
  bell: ['M6 16.5V11a6 6 0 0 1 12 0v5.5l1.5 1.5h-15z', 'M10.5 20.5h3'],
  person: ['M12 4.5a3.7 3.7 0 1 1 0 7.4a3.7 3.7 0 0 1 0-7.4z', 'M4.5 20a7.5 7.5 0 0 1 15 0'],
  close: ['M6 6l12 12', 'M18 6L6 18'],
};

/** @param {IconName} name */
export function icon(name) {
  const strokes = PATHS[name].map((d) => svg('path', { d }));
  return svg('svg', { class: `icon icon-${name}`, viewBox: '0 0 24 24', 'aria-hidden': 'true' }, ...strokes);
}
