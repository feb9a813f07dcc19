// The table of containers: their newest figures, a sparkline of the last minute, and which of them are drawn
// in the charts.

import { HOLE_MS, isCurrent, KEPT_POINTS } from '../lib/stores/docker_stats.js';
import { h, setAttribute, setText } from '../lib/view/dom.js';
import { ABSENT, formatBytes, formatCount, formatPercent, formatRate } from '../lib/view/format.js';
import { sparkline } from '../lib/view/sparkline.js';
import { setUrlState, urlState } from '../lib/view/url_state.js';

/** @import { Container, Measure } from '../lib/stores/container_stats.js' */

/** How many lines of a chart have a colour of their own. */
export const COLORS = 8;
const MEBIBYTE = 1_048_576;
const SPARK = { width: KEPT_POINTS, holeMs: HOLE_MS };

/** @typedef {{id: string, title: string, of: (container: Container, last: Measure | undefined) => string | number | undefined}} Column */

/** @type {Column[]} */
const COLUMNS = [
  { id: 'name', title: 'Container', of: ({ name }) => name },
  { id: 'cpu', title: 'CPU', of: (_, last) => last?.cpu },
  { id: 'memory', title: 'Memory', of: (_, last) => last?.memory },
  { id: 'rx', title: 'Net in', of: (_, last) => last?.rx },
  { id: 'tx', title: 'Net out', of: (_, last) => last?.tx },
  { id: 'read', title: 'Disk read', of: (_, last) => last?.read },
  { id: 'write', title: 'Written', of: (_, last) => last?.write },
  { id: 'pids', title: 'Processes', of: (_, last) => last?.pids },
];

export class ContainerTable {
  #changed;
  #head;
  #body = h('tbody');
  /** @type {Map<string, Row>} */
  #rows = new Map();
  /** @type {readonly Container[]} */
  #containers = [];

  /** @param {() => void} changed what is picked or the order is another one */
  constructor(changed) {
    this.#changed = changed;
    this.#head = COLUMNS.map(({ id, title }) =>
      h('th', { scope: 'col', 'data-column': id }, h('button', { type: 'button', onclick: () => this.#sortBy(id) }, title)),
    );
    this.element = h(
      'div',
      { class: 'table-frame' },
      h('table', { class: 'containers' }, h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, h('span', { class: 'unseen' }, 'Drawn')), ...this.#head)), this.#body),
    );
  }

  /**
   * @param {readonly Container[]} containers
   * @param {number} now
   * @returns {Container[]} those that are picked
   */
  draw(containers, now) {
    this.#containers = containers;
    const { column, down } = this.#order;
    for (const head of this.#head) {
      setAttribute(head, 'aria-sort', head.dataset['column'] === column.id && (down ? 'descending' : 'ascending'));
    }
    const lasts = new Map(containers.map((container) => [container, currentOf(container, now)]));
    const value = (/** @type {Container} */ container) => column.of(container, lasts.get(container));
    const sorted = containers.toSorted((a, b) => compare(value(a), value(b)) * (down ? -1 : 1));
    const picked = this.#picked();
    const ids = new Set(sorted.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (!ids.has(id)) {
        row.element.remove();
        this.#rows.delete(id);
      }
    }
    sorted.forEach((container, at) => {
      const row = this.#rows.get(container.id) ?? new Row(container, (on) => this.#pick(container.name, on));
      this.#rows.set(container.id, row);
      if (this.#body.children[at] !== row.element) {
        this.#body.insertBefore(row.element, this.#body.children[at] ?? null);
      }
      row.draw(container, lasts.get(container), picked.findIndex(({ id }) => id === container.id));
    });
    return picked;
  }

  get #order() {
    const [, minus, id] = /^(-?)(\w*)$/.exec(urlState('sort')) ?? [];
    const column = COLUMNS.find((held) => held.id === id) ?? /** @type {Column} */ (COLUMNS[0]);
    return { column, down: minus === '-' };
  }

  /** @param {string} id */
  #sortBy(id) {
    const { column, down } = this.#order;
    // Figures begin with the largest, names with the first.
    const turned = column.id === id ? !down : id !== 'name';
    setUrlState('sort', id === 'name' && !turned ? '' : `${turned ? '-' : ''}${id}`);
    this.#changed();
  }

  #picked() {
    const names = urlState('pick');
    const wanted = names === '' ? undefined : names.split(',');
    return wanted === undefined ? this.#containers.slice(0, COLORS) : this.#containers.filter(({ name }) => wanted.includes(name));
  }

  /**
   * @param {string} name
   * @param {boolean} on
   */
  #pick(name, on) {
    const names = this.#picked().map((container) => container.name).filter((other) => other !== name);
    setUrlState('pick', (on ? [...names, name] : names).join(',') || NONE);
    this.#changed();
  }
}

// An empty choice in the address would be no choice.
const NONE = '-';

class Row {
  #box;
  #cells = COLUMNS.map(({ id }) => h(id === 'name' ? 'th' : 'td', { scope: id === 'name' && 'row' }));
  #cpu = sparkline({ ...SPARK, least: 5 });
  #memory = sparkline({ ...SPARK, least: MEBIBYTE });
  #texts = COLUMNS.map(() => h('span'));

  /**
   * @param {Container} container
   * @param {(on: boolean) => void} pick
   */
  constructor({ id, name, room }, pick) {
    this.#box = h('input', { type: 'checkbox', 'aria-label': `Draw ${name}` });
    this.#box.addEventListener('change', () => pick(this.#box.checked));
    this.#cells.forEach((cell, at) => cell.append(/** @type {HTMLElement} */ (this.#texts[at])));
    this.#cells[0]?.append(h('span', { class: 'muted' }, ` ${room}`));
    this.#cells[1]?.append(this.#cpu.element);
    this.#cells[2]?.append(this.#memory.element);
    this.element = h('tr', { 'data-container': id }, h('td', {}, h('label', { class: 'key' }, this.#box)), ...this.#cells);
  }

  /**
   * @param {Container} container
   * @param {Measure | undefined} last
   * @param {number} drawnAs which line of the charts it is; -1 if none
   */
  draw({ name, measures }, last, drawnAs) {
    this.#box.checked = drawnAs >= 0;
    setAttribute(this.element, 'data-line', drawnAs >= 0 && drawnAs % COLORS);
    const limit = last?.memoryLimit === undefined ? '' : ` of ${formatBytes(last.memoryLimit)}`;
    const texts = [
      name,
      formatPercent(last?.cpu),
      formatBytes(last?.memory),
      formatRate(last?.rx),
      formatRate(last?.tx),
      formatRate(last?.read),
      formatRate(last?.write),
      last?.pids === undefined ? ABSENT : formatCount(last.pids),
    ];
    this.#texts.forEach((element, at) => setText(element, texts[at] ?? ''));
    setAttribute(this.#cells[2] ?? this.element, 'title', limit !== '' && texts[2] + limit);
    const recent = measures.slice(-KEPT_POINTS);
    this.#cpu.draw(recent.map(({ at, cpu }) => ({ at, value: cpu })));
    this.#memory.draw(recent.map(({ at, memory }) => ({ at, value: memory })));
  }
}

/**
 * The newest figures; `undefined` if they are too old to say anything.
 * @param {Container} container
 * @param {number} now
 */
function currentOf({ measures }, now) {
  const last = measures.at(-1);
  return last !== undefined && isCurrent(last, now) ? last : undefined;
}

/**
 * What is absent comes first.
 * @param {string | number | undefined} a
 * @param {string | number | undefined} b
 */
function compare(a, b) {
  if (a === undefined || b === undefined) {
    return Number(a !== undefined) - Number(b !== undefined);
  }
  return a < b ? -1 : Number(a > b);
}
