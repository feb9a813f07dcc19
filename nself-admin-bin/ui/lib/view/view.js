// The small reactive helper: a view is drawn again in the next animation frame after a store that it looks
// at has changed.

import { nextFrame } from './frame.js';

/** @import { Store } from '../store.js' */

/**
 * Draws now, and again in the frame after one of the stores has changed.
 * @param {readonly Store<any>[]} stores
 * @param {() => void} draw
 * @returns {() => void} ends it
 */
export function view(stores, draw) {
  const frame = nextFrame(draw);
  const ends = stores.map((store) => store.subscribe(frame.ask));
  draw();
  return () => {
    frame.cancel();
    for (const end of ends) {
      end();
    }
  };
}
