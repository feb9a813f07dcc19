// What a build prints, from its first line on. Only the lines in sight are in the document; the newest stay
// in sight until the reader scrolls up.

import { h, setText } from '../lib/view/dom.js';
import { formatCount, plural } from '../lib/view/format.js';
import { nextFrame } from '../lib/view/frame.js';
import { StayAtEnd } from '../lib/view/stay_at_end.js';
import { VirtualList } from '../lib/view/virtual_list.js';
import { cutNote, drawPieces } from './terminal_line.js';

/** @import { Run } from '../lib/build_run.js' */

const LINE_HEIGHT = 20;

export class BuildOutput {
  #canvas = h('div', { class: 'output-canvas' });
  #viewport = h('div', { id: 'output', role: 'log', 'aria-live': 'off', 'aria-label': 'Output of the build', tabindex: '0' }, this.#canvas);
  #count = h('p', { class: 'muted' });
  #none = h('p', { class: 'muted output-none' });
  /** @type {VirtualList<string>} */
  #list = new VirtualList({
    viewport: this.#viewport,
    canvas: this.#canvas,
    lineHeight: LINE_HEIGHT,
    draw: drawLine,
    linesOf: () => 1,
  });
  /** @type {readonly string[]} */
  #lines = [];
  #end = new StayAtEnd(this.#viewport, LINE_HEIGHT);
  #frame = nextFrame(() => this.#list.render(this.#lines));

  constructor() {
    this.#canvas.style.setProperty('--row', `${LINE_HEIGHT}px`);
    this.#viewport.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.element = h(
      'section',
      { class: 'panel build-output', 'aria-label': 'Output' },
      h('header', {}, h('h2', {}, 'Output'), this.#count),
      h('div', { class: 'output-frame' }, this.#viewport, this.#none),
    );
  }

  stop() {
    this.#frame.cancel();
  }

  /** @param {Run | undefined} run */
  draw(run) {
    const lines = run?.lines ?? [];
    if (lines !== this.#lines) {
      // Another run, or one that has lost its first lines.
      this.#lines = lines;
      this.#list.clear();
      this.#end.resume();
    }
    this.#list.resize(lines, 0);
    this.#end.scroll(0);
    this.#list.render(lines);
    const dropped = run?.dropped ?? 0;
    const gone = dropped > 0 ? `, ${formatCount(dropped)} earlier ones are no longer kept` : '';
    setText(this.#count, run === undefined ? '' : plural(lines.length, 'line', 'lines') + gone);
    this.#none.hidden = lines.length > 0;
    setText(this.#none, run?.ended ? 'This build printed nothing.' : 'Lines appear here as they are printed.');
  }

  #scrolled() {
    this.#end.notice();
    this.#frame.ask();
  }
}

/** @param {string} line */
function drawLine(line) {
  const note = cutNote(line);
  return h('div', { class: 'output-line' }, ...drawPieces(line), note !== '' && h('span', { class: 'muted' }, ` … ${note}`));
}
