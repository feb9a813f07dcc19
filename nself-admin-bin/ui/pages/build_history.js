// The runs that there were, the newest first; one of them is shown.

import { h, placeAt, setAttribute, setText } from '../lib/view/dom.js';
import { formatAge, formatDuration } from '../lib/view/format.js';
import { icon } from '../lib/view/icons.js';
import { PROGRESS } from '../lib/view/progress.js';

/** @import { Run } from '../lib/build_run.js' */

export class BuildHistory {
  #pick;
  #clear;
  #list = h('ol', { class: 'runs' });
  #none = h('p', { class: 'muted' }, 'No build yet. Each run is kept here, the last 20 of them.');
  /** @type {Map<string, ReturnType<typeof newEntry>>} */
  #entries = new Map();

  /** @param {{pick: (buildId: string) => void, clear: () => void}} actions */
  constructor({ pick, clear }) {
    this.#pick = pick;
    this.#clear = h('button', { type: 'button', class: 'quiet', onclick: clear }, 'Clear');
    this.element = h(
      'section',
      { class: 'build-history panel', 'aria-label': 'History' },
      h('header', {}, h('h2', {}, 'History'), this.#clear),
      this.#none,
      this.#list,
    );
  }

  /**
   * @param {readonly Run[]} runs
   * @param {string | undefined} shown
   * @param {number} now
   */
  draw(runs, shown, now) {
    this.#none.hidden = runs.length > 0;
    this.#clear.hidden = !runs.some(({ ended }) => ended);
    for (const [buildId, { element }] of this.#entries) {
      if (!runs.some((run) => run.buildId === buildId)) {
        element.remove();
        this.#entries.delete(buildId);
      }
    }
    runs.forEach((run, at) => {
      const entry = this.#entries.get(run.buildId) ?? newEntry(() => this.#pick(run.buildId));
      this.#entries.set(run.buildId, entry);
      placeAt(this.#list, entry.element, at);
      entry.draw(run, run.buildId === shown, now);
    });
  }
}

/** @param {() => void} pick */
function newEntry(pick) {
  const status = h('span', { class: 'run-status' });
  const took = h('span', { class: 'muted' });
  const age = h('span', { class: 'muted run-age' });
  const button = h('button', { type: 'button', onclick: pick }, status, took, age);
  /** @type {Run['status'] | undefined} */
  let drawn;
  return {
    element: h('li', {}, button),
    /**
     * @param {Run} run
     * @param {boolean} shown
     * @param {number} now
     */
    draw({ buildId, status: word, beganAt, elapsedMs, ended, currentStep, steps }, shown, now) {
      const look = PROGRESS[word];
      if (drawn !== word) {
        drawn = word;
        setAttribute(status, 'data-tone', look.tone);
        status.replaceChildren(icon(look.icon), look.label);
      }
      setAttribute(button, 'aria-pressed', String(shown));
      setAttribute(button, 'title', buildId);
      setText(took, ended ? formatDuration(elapsedMs) : `step ${currentStep} of ${steps.length}`);
      setText(age, formatAge(now - beganAt));
    },
  };
}
