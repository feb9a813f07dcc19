// One run: how far it is, its steps, what the step at hand works on, why it failed, and its output. Every
// part has its place before it says anything, so nothing moves while the run goes on.

import { durationOf, stepsAhead } from '../lib/build_run.js';
import { h, setAttribute, setText } from '../lib/view/dom.js';
import { ABSENT, formatDuration } from '../lib/view/format.js';
import { icon } from '../lib/view/icons.js';
import { PROGRESS } from '../lib/view/progress.js';
import { BuildItems } from './build_items.js';
import { BuildOutput } from './build_output.js';

/** @import { Run, Step } from '../lib/build_run.js' */

export class BuildRun {
  #badge = h('p', { class: 'status' });
  #title = h('h2');
  #took = h('p', { class: 'build-took muted' });
  #percent = h('p', { class: 'build-percent' });
  #bar = h('progress', { max: 100, value: 0, 'aria-label': 'The whole build' });
  #message = h('p', { class: 'build-message muted' });
  #said = h('p', { class: 'unseen', role: 'status' });
  #steps = h('ol', { class: 'steps' });
  #items = new BuildItems();
  #failure = h('div', { class: 'build-failure', role: 'alert', hidden: true }, h('h3'), h('pre'));
  #output = new BuildOutput();
  /** @type {ReturnType<typeof newStep>[]} */
  #drawn = [];
  /** @type {string | undefined} */
  #look;

  constructor() {
    this.element = h(
      'section',
      { class: 'build-run', 'aria-label': 'Build' },
      h(
        'div',
        { class: 'panel' },
        h('header', {}, this.#badge, this.#title, this.#took, this.#percent),
        this.#bar,
        this.#message,
        this.#said,
        this.#failure,
        h('div', { class: 'build-work' }, this.#steps, this.#items.element),
      ),
      this.#output.element,
    );
  }

  stop() {
    this.#output.stop();
  }

  /**
   * @param {Run | undefined} run
   * @param {number} now by the server's clock
   * @param {boolean} known that there is none
   */
  draw(run, now, known) {
    const elapsedMs = run === undefined ? 0 : run.ended ? run.elapsedMs : Math.max(run.elapsedMs, now - run.beganAt);
    const steps = run?.steps ?? stepsAhead();
    this.#drawHead(run, elapsedMs, known);
    this.#drawSteps(steps, elapsedMs);
    this.#items.draw(steps.findLast(({ items }) => items.length > 0));
    this.#drawFailure(run);
    this.#output.draw(run);
  }

  /**
   * @param {Run | undefined} run
   * @param {number} elapsedMs
   * @param {boolean} known
   */
  #drawHead(run, elapsedMs, known) {
    const status = run?.status ?? 'pending';
    const look = PROGRESS[status];
    const label = run === undefined ? (known ? 'Not built yet' : 'Loading…') : look.label;
    setAttribute(this.element, 'data-status', run?.status);
    setAttribute(this.element, 'data-build', run?.buildId);
    if (this.#look !== label) {
      this.#look = label;
      setAttribute(this.#badge, 'data-tone', look.tone);
      this.#badge.replaceChildren(icon(look.icon), label);
    }
    const step = run?.steps[run.currentStep - 1];
    const at = run === undefined || step === undefined ? '' : `Step ${step.number} of ${run.steps.length}: ${step.name}`;
    setText(this.#title, run?.ended ? `Build of ${new Date(run.beganAt).toLocaleString([], WHEN)}` : at || 'Six steps to a running project');
    setText(this.#said, run?.ended ? `Build ${look.label.toLowerCase()}` : at);
    setText(this.#took, run === undefined ? '' : formatDuration(elapsedMs));
    const progress = run?.progress ?? 0;
    setText(this.#percent, `${Math.floor(progress)} %`);
    setAttribute(this.#bar, 'data-status', status);
    if (this.#bar.value !== progress) {
      this.#bar.value = progress;
    }
    setText(this.#message, run?.message ?? '');
    setAttribute(this.#message, 'title', run?.message);
  }

  /**
   * @param {readonly Step[]} steps
   * @param {number} elapsedMs
   */
  #drawSteps(steps, elapsedMs) {
    if (this.#drawn.length !== steps.length) {
      this.#drawn = steps.map(newStep);
      this.#steps.replaceChildren(...this.#drawn.map(({ element }) => element));
    }
    steps.forEach((step, at) => this.#drawn[at]?.draw(step, elapsedMs));
  }

  /** @param {Run | undefined} run */
  #drawFailure(run) {
    const failed = run?.status === 'failed' ? run : undefined;
    this.#failure.hidden = failed === undefined;
    const [title, text] = this.#failure.children;
    if (failed !== undefined && title !== undefined && text !== undefined) {
      const step = failed.steps[failed.currentStep - 1];
      const about = failed.steps.flatMap(({ items }) => items).find(({ status }) => status === 'failed');
      setText(title, `Failed at step ${failed.currentStep}: ${step?.name ?? ''}${about === undefined ? '' : `, ${about.name}`}`);
      setText(text, failed.error ?? failed.message ?? 'No reason was told. The output below is what there is.');
    }
  }
}

/** @type {Intl.DateTimeFormatOptions} */
const WHEN = { dateStyle: 'medium', timeStyle: 'short' };

function newStep() {
  const mark = h('span', { class: 'step-mark' });
  const name = h('span', { class: 'step-name' });
  const took = h('span', { class: 'step-took muted' });
  const element = h('li', {}, mark, name, took);
  return {
    element,
    /**
     * @param {Step} step
     * @param {number} elapsedMs
     */
    draw(step, elapsedMs) {
      const look = PROGRESS[step.status];
      if (element.dataset['status'] !== step.status) {
        setAttribute(element, 'data-status', step.status);
        setAttribute(element, 'data-tone', look.tone);
        setAttribute(element, 'aria-current', step.status === 'in-progress' && 'step');
        mark.replaceChildren(icon(look.icon), h('span', { class: 'unseen' }, `${look.label}: `));
      }
      setText(name, step.name);
      setText(took, tookOf(step, elapsedMs));
    },
  };
}

/**
 * @param {Step} step
 * @param {number} elapsedMs
 */
function tookOf(step, elapsedMs) {
  const ms = durationOf(step, elapsedMs);
  if (ms === undefined) {
    return step.status === 'complete' ? ABSENT : '';
  }
  return step.endedMs !== undefined && ms < 1_000 ? `${Math.round(ms)} ms` : formatDuration(ms);
}
