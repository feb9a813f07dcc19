// The button that holds a page still; the key for it finds it by its name.

import { h, setAttribute, setText } from './dom.js';
import { icon } from './icons.js';

/**
 * @param {() => void} toggle
 * @returns {{element: HTMLButtonElement, draw: (paused: boolean, resume: string) => void}} `resume`: what the button
 *   says while it is paused
 */
export function pauseButton(toggle) {
  const label = h('span');
  const element = h('button', { id: 'pause', type: 'button', class: 'main', onclick: toggle }, icon('hold'), label);
  return {
    element,
    draw(paused, resume) {
      if (element.getAttribute('aria-pressed') !== String(paused)) {
        setAttribute(element, 'aria-pressed', String(paused));
        element.firstElementChild?.replaceWith(icon(paused ? 'play' : 'hold'));
      }
      setText(label, paused ? resume : 'Pause');
    },
  };
}
