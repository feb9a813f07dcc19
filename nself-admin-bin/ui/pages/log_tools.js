// The bar above a log: which lines are shown and how. What is chosen stands in the address.

import { LEVELS, LogFilter } from '../lib/log_filter.js';
import { h, setAttribute, setText } from '../lib/view/dom.js';
import { formatCount } from '../lib/view/format.js';
import { pauseButton } from '../lib/view/pause_button.js';
import { setUrlState, urlState } from '../lib/view/url_state.js';

/**
 * @typedef {{changed: () => void, pause: () => void, copy: () => void, download: () => void,
 *   clear: () => void, older: () => void}} Actions `changed`: the choice is another one
 */

export class LogTools {
  /** How many lines are shown, for the head of the page. */
  count = h('p', { class: 'log-count' });
  #search = h('input', {
    id: 'search',
    type: 'search',
    placeholder: 'Search, or /regex/',
    'aria-label': 'Show only lines with this text, or that match a regular expression between slashes',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  #level = select('level', 'Least level', [
    ['', 'All levels'],
    ...LEVELS.slice(1).map((level) => /** @type {[string, string]} */ ([level, level === 'fatal' ? 'Fatal' : `${capital(level)} and up`])),
  ]);
  #source = select('source', 'Stream', [['', 'Both streams'], ['stdout', 'stdout'], ['stderr', 'stderr']]);
  #time = select('time', 'Times', [['', 'Local time'], ['utc', 'UTC'], ['relative', 'Relative']]);
  #wrap = h('button', { type: 'button', 'data-tool': 'wrap', 'aria-pressed': 'false' }, 'Wrap');
  #pause;
  #older = h('button', { type: 'button', 'data-tool': 'older' }, 'Load older');

  /** @param {Actions} actions */
  constructor(actions) {
    for (const control of this.#controls) {
      control.value = urlState(control.name);
      control.addEventListener('input', () => {
        setUrlState(control.name, control.value);
        actions.changed();
      });
    }
    this.#search.value = urlState('q');
    this.#search.addEventListener('input', () => {
      setUrlState('q', this.#search.value);
      actions.changed();
    });
    setAttribute(this.#wrap, 'aria-pressed', String(urlState('wrap') !== ''));
    this.#wrap.addEventListener('click', () => {
      setUrlState('wrap', this.wraps ? '' : '1');
      setAttribute(this.#wrap, 'aria-pressed', String(this.wraps));
      actions.changed();
    });
    this.#pause = pauseButton(actions.pause);
    this.#older.addEventListener('click', actions.older);
    const tool = (/** @type {string} */ name, /** @type {string} */ text, /** @type {() => void} */ act) =>
      h('button', { type: 'button', 'data-tool': name, onclick: act }, text);
    this.element = h(
      'div',
      { class: 'log-tools', role: 'toolbar', 'aria-label': 'Log' },
      this.#search,
      h(
        'div',
        { class: 'log-options' },
        this.#level,
        this.#source,
        this.#time,
        this.#wrap,
        h(
          'div',
          { class: 'tool-group' },
          this.#older,
          tool('copy', 'Copy', actions.copy),
          tool('download', 'Download', actions.download),
          tool('clear', 'Clear', actions.clear),
        ),
      ),
      this.#pause.element,
    );
  }

  get #controls() {
    return [this.#level, this.#source, this.#time];
  }

  get wraps() {
    return urlState('wrap') !== '';
  }

  get time() {
    return this.#time.value;
  }

  filter() {
    const filter = new LogFilter({
      search: this.#search.value,
      level: this.#level.value,
      source: this.#source.value,
    });
    setAttribute(this.#search, 'aria-invalid', filter.isInvalid);
    setAttribute(this.#search, 'title', filter.isInvalid && 'This is no regular expression: all lines are shown');
    return filter;
  }

  /**
   * @param {{shown: number, held: number, live: number, paused: boolean, waiting: number,
   *   older: import('../lib/stores/logs.js').Log['older']}} state
   */
  draw({ shown, held, live, paused, waiting, older }) {
    this.#pause.draw(paused, `Resume · ${formatCount(waiting)} waiting`);
    setText(this.count, `Showing ${formatCount(shown)} of ${formatCount(held)} (${formatCount(live)} live)`);
    this.#older.disabled = older === 'asking' || older === 'none';
    setText(this.#older, OLDER[older]);
  }
}

const OLDER = { unknown: 'Load older', asking: 'Loading…', none: 'No older lines', failed: 'Load older: failed, again' };

/**
 * @param {string} name
 * @param {string} label
 * @param {[value: string, text: string][]} options
 */
function select(name, label, options) {
  return h('select', { name, 'aria-label': label }, ...options.map(([value, text]) => h('option', { value }, text)));
}

/** @param {string} word */
function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
