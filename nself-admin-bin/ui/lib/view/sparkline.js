// A small line of the last samples. Its newest point stands at the right edge; time without samples is
// a hole.

import { setAttribute, svg } from './dom.js';

const HEIGHT = 24;
const PADDING = 1.5;

/** @typedef {{at: number, value: number | undefined}} Sample */

/**
 * The line as an SVG path: one step to the right per sample.
 * @param {readonly Sample[]} samples
 * @param {{width: number, least: number, holeMs: number}} scale `least`: the scale's smallest maximum,
 *   so that noise near zero stays near the bottom
 */
export function sparklinePath(samples, { width, least, holeMs }) {
  const top = Math.max(least, ...samples.map(({ value }) => value ?? 0));
  const left = width - samples.length;
  let path = '';
  let pen = 'M';
  let before = Infinity;
  samples.forEach(({ at, value }, index) => {
    if (value === undefined || at - before > holeMs) {
      pen = 'M';
    }
    before = at;
    if (value !== undefined) {
      const y = HEIGHT - PADDING - (value / top) * (HEIGHT - 2 * PADDING);
      path += `${pen}${left + index} ${y.toFixed(1)}`;
      pen = 'L';
    }
  });
  return path;
}

/**
 * @param {{width: number, least: number, holeMs: number}} scale
 * @returns {{element: SVGSVGElement, draw: (samples: readonly Sample[]) => void}}
 */
export function sparkline(scale) {
  const line = svg('path', {});
  const viewBox = `0 0 ${scale.width - 1} ${HEIGHT}`;
  const element = svg(
    'svg',
    { class: 'sparkline', viewBox, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    line,
  );
  return { element, draw: (samples) => setAttribute(line, 'd', sparklinePath(samples, scale)) };
}
