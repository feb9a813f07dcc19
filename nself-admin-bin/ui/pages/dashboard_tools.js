// The bar above the dashboard: a search, and how many services there are of each status, to choose one.

import { h, setAttribute, setText } from '../lib/view/dom.js';
import { icon } from '../lib/view/icons.js';
import { STATUS } from '../lib/view/status.js';
import { setUrlState, urlState } from '../lib/view/url_state.js';

/** @import { ServiceStatus, Status } from '../lib/stores/service_status.js' */

export class DashboardTools {
  #changed;
  #search = h('input', {
    id: 'search',
    type: 'search',
    placeholder: 'Search services',
    'aria-label': 'Show only services with this text in their name or image',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  #chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'Statuses' });
  /** @type {Map<Status, HTMLButtonElement>} */
  #drawn = new Map();

  /** @param {() => void} changed something else is looked for */
  constructor(changed) {
    this.#changed = changed;
    this.#search.value = urlState('q');
    this.#search.addEventListener('input', () => {
      setUrlState('q', this.#search.value);
      changed();
    });
    this.element = h('div', { class: 'page-tools' }, this.#chips, this.#search);
  }

  /**
   * @param {readonly ServiceStatus[]} services all there are
   * @returns {(service: ServiceStatus) => boolean} which of them are looked for
   */
  draw(services) {
    const chosen = urlState('status');
    for (const status of /** @type {Status[]} */ (Object.keys(STATUS))) {
      const count = services.filter((held) => held.status === status).length;
      this.#drawChip(status, count, chosen === status);
    }
    const needle = this.#search.value.toLowerCase();
    return ({ service, status, image = '' }) =>
      (chosen === '' || status === chosen) && `${service} ${image}`.toLowerCase().includes(needle);
  }

  /**
   * @param {Status} status
   * @param {number} count
   * @param {boolean} chosen
   */
  #drawChip(status, count, chosen) {
    const chip = this.#drawn.get(status) ?? this.#newChip(status);
    chip.hidden = count === 0 && !chosen;
    setAttribute(chip, 'aria-pressed', String(chosen));
    const text = chip.lastElementChild;
    if (text !== null) {
      setText(text, `${count} ${STATUS[status].label.toLowerCase()}`);
    }
  }

  /** @param {Status} status */
  #newChip(status) {
    const { icon: name, tone } = STATUS[status];
    const choose = () => {
      setUrlState('status', urlState('status') === status ? '' : status);
      this.#changed();
    };
    const chip = h('button', { type: 'button', class: 'chip', 'data-tone': tone, onclick: choose }, icon(name), h('span'));
    this.#drawn.set(status, chip);
    this.#chips.append(chip);
    return chip;
  }
}
