// What a step works on: images with their layers, containers. What has bytes has a bar.

import { groupsOf, partDone } from '../lib/build_run.js';
import { h, placeAt, setAttribute, setText } from '../lib/view/dom.js';
import { formatBytes } from '../lib/view/format.js';
import { icon } from '../lib/view/icons.js';
import { PROGRESS } from '../lib/view/progress.js';

/** @import { ProgressItem } from '../lib/stores/build_progress.js' */
/** @import { Step } from '../lib/build_run.js' */

export class BuildItems {
  #none = h('p', { class: 'muted' }, 'Images, layers and containers appear here while a step works on them.');
  #list = h('ul');
  /** @type {Map<string, ReturnType<typeof newItem>>} */
  #drawn = new Map();

  constructor() {
    this.element = h('div', { class: 'items', tabindex: '0', role: 'group', 'aria-label': 'What the step works on' }, h('div', {}, this.#none, this.#list));
  }

  /** @param {Step | undefined} step */
  draw(step) {
    const wanted = groupsOf(step?.items ?? []).flatMap(({ item, parts }) => [
      { item, key: item.name, isPart: false, done: partDone(item, parts) },
      // Two images may share a layer.
      ...parts.map((part) => ({ item: part, key: `${item.name} ${part.name}`, isPart: true, done: partDone(part, []) })),
    ]);
    this.#none.hidden = wanted.length > 0;
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, { element }] of this.#drawn) {
      if (!keys.has(key)) {
        element.remove();
        this.#drawn.delete(key);
      }
    }
    wanted.forEach(({ item, key, isPart, done }, at) => {
      const drawn = this.#drawn.get(key) ?? newItem(item.name, isPart);
      this.#drawn.set(key, drawn);
      placeAt(this.#list, drawn.element, at);
      drawn.draw(item, done);
    });
  }
}

/**
 * @param {string} name
 * @param {boolean} isPart
 */
function newItem(name, isPart) {
  const mark = h('span', { class: 'step-mark' });
  const title = h('span', { class: 'item-name', title: name }, name);
  const bytes = h('span', { class: 'item-bytes muted' });
  const bar = h('progress', { max: 1, 'aria-label': name });
  const element = h('li', { 'data-part': isPart }, mark, title, bytes, bar);
  return {
    element,
    /**
     * @param {ProgressItem} item
     * @param {number | undefined} done
     */
    draw({ status, currentBytes, totalBytes }, done) {
      const look = PROGRESS[status];
      if (element.dataset['status'] !== status) {
        setAttribute(element, 'data-status', status);
        setAttribute(element, 'data-tone', look.tone);
        mark.replaceChildren(icon(look.icon), h('span', { class: 'unseen' }, `${look.label}: `));
      }
      setText(bytes, totalBytes === undefined ? (currentBytes === undefined ? '' : formatBytes(currentBytes)) : `${formatBytes(currentBytes ?? 0)} of ${formatBytes(totalBytes)}`);
      setAttribute(bar, 'data-status', status);
      setAttribute(element, 'data-measured', done !== undefined);
      setAttribute(bar, 'value', done?.toFixed(4));
    },
  };
}
