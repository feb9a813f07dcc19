// The menu of a project's services beside the log: those that are picked are merged into one.

import { h } from '../lib/view/dom.js';

export class ServicePicker {
  #pick;
  #list = h('div', { class: 'menu-list', role: 'group', 'aria-label': 'Services in this log' });
  #drawn = '';

  /** @param {(services: string[]) => void} pick */
  constructor(pick) {
    this.#pick = pick;
    this.element = h('details', { class: 'menu', hidden: true }, h('summary', {}, 'Services'), this.#list);
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        this.element.open = false;
        this.element.querySelector('summary')?.focus();
      }
    });
  }

  /**
   * @param {readonly string[]} services of the project
   * @param {readonly string[]} picked
   */
  draw(services, picked) {
    const all = [...new Set([...services, ...picked])];
    this.element.hidden = all.length < 2;
    const drawn = JSON.stringify([all, picked]);
    if (drawn === this.#drawn) {
      return;
    }
    const focused = document.activeElement instanceof HTMLInputElement ? document.activeElement.value : undefined;
    this.#drawn = drawn;
    this.#list.replaceChildren(...all.map((service) => this.#choice(service, picked)));
    [...this.#list.querySelectorAll('input')].find(({ value }) => value === focused)?.focus();
  }

  /**
   * @param {string} service
   * @param {readonly string[]} picked
   */
  #choice(service, picked) {
    const isPicked = picked.includes(service);
    const box = h('input', { type: 'checkbox', value: service });
    box.checked = isPicked;
    // The last one stays: a log of nothing says nothing.
    box.disabled = isPicked && picked.length === 1;
    box.addEventListener('change', () => {
      this.#pick(box.checked ? [...picked, service] : picked.filter((other) => other !== service));
    });
    return h('label', {}, box, service);
  }
}
