// What the containers use: four charts over time, and a table. Which of them are drawn, over how long and
// how they are sorted stands in the address.

import { ContainerStatsStore } from '../lib/stores/container_stats.js';
import { HOLE_MS } from '../lib/stores/docker_stats.js';
import { Chart, nearest } from '../lib/view/chart.js';
import { h, setAttribute, setText } from '../lib/view/dom.js';
import { formatBytes, formatPercent, formatRate, formatTime } from '../lib/view/format.js';
import { nextFrame } from '../lib/view/frame.js';
import { pauseButton } from '../lib/view/pause_button.js';
import { setUrlState, urlState } from '../lib/view/url_state.js';
import { view } from '../lib/view/view.js';
import { COLORS, ContainerTable } from './monitor_table.js';
import { readOpenRooms } from './read_rooms.js';

/** @import { Context, Page } from '../app.js' */
/** @import { Container, Measure } from '../lib/stores/container_stats.js' */
/** @import { Stores } from '../lib/stores.js' */
/** @import { Series } from '../lib/view/chart.js' */

// The statuses keep the rooms read while nobody looks.
const FILTERS = { always: [{ types: ['service:status'] }], seen: [{ types: ['docker:stats'], tail: 300 }] };
const MINUTES = [1, 5, 15];
const MEBIBYTE = 1_048_576;

/**
 * @typedef {{title: string, format: (value: number) => string, bytes: boolean, least: number,
 *   lines: {field: Exclude<keyof Measure, 'at'>, name: string, dashed?: boolean}[]}} Figure
 */

/** @type {Figure[]} */
const FIGURES = [
  { title: 'CPU, percent of a core', format: formatPercent, bytes: false, least: 5, lines: [{ field: 'cpu', name: '' }] },
  { title: 'Memory', format: formatBytes, bytes: true, least: 16 * MEBIBYTE, lines: [{ field: 'memory', name: '' }] },
  {
    title: 'Network: received, and sent dashed',
    format: formatRate,
    bytes: true,
    least: 1_024,
    lines: [{ field: 'rx', name: ' in' }, { field: 'tx', name: ' out', dashed: true }],
  },
  {
    title: 'Disk: read, and written dashed',
    format: formatRate,
    bytes: true,
    least: 1_024,
    lines: [{ field: 'read', name: ' read' }, { field: 'write', name: ' written', dashed: true }],
  },
];

/**
 * @param {Context} context
 * @returns {Page}
 */
export function mountMonitor({ client, stores, main }) {
  const page = new MonitorPage(stores);
  const endReading = readOpenRooms(client, stores.rooms, FILTERS);
  main.append(...page.elements);
  const endView = page.start();
  return {
    title: 'Monitor',
    leave: () => {
      endView();
      endReading();
    },
  };
}

class MonitorPage {
  #stores;
  #containers;
  #table;
  #frame = nextFrame(() => this.#draw());
  /** @type {{containers: readonly Container[], now: number} | undefined} what there was when it was paused */
  #paused;
  /** @type {{at: number, chart: FigureChart} | undefined} what is pointed at */
  #hover;
  #pause = pauseButton(() => this.#togglePause());
  #windows = MINUTES.map((minutes) =>
    h('button', { type: 'button', 'data-minutes': minutes, 'aria-pressed': 'false', onclick: () => this.#setWindow(minutes) }, `${minutes} min`),
  );
  #empty = h('div', { class: 'empty', hidden: true }, h('h2'), h('p'));
  #charts = FIGURES.map((figure) => new FigureChart(figure, (at, chart) => this.#point(at, chart)));
  #body;

  /** @param {Stores} stores */
  constructor(stores) {
    this.#stores = stores;
    this.#containers = stores.of(ContainerStatsStore);
    this.#table = new ContainerTable(() => this.#frame.ask());
    this.#body = h(
      'div',
      { class: 'monitor' },
      h('div', { class: 'charts' }, ...this.#charts.map(({ element }) => element)),
      this.#table.element,
    );
  }

  get elements() {
    return [
      h(
        'header',
        { class: 'page-head' },
        h('h1', { tabindex: '-1' }, 'Monitor'),
        h('div', { class: 'segments', role: 'group', 'aria-label': 'Time shown' }, ...this.#windows),
        this.#pause.element,
      ),
      this.#body,
      this.#empty,
    ];
  }

  /** @returns {() => void} ends it */
  start() {
    const resized = new ResizeObserver(this.#frame.ask);
    this.#charts.forEach(({ canvas }) => resized.observe(canvas));
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', this.#frame.ask);
    const { clock, connection, rooms, engine } = this.#stores;
    const end = view([this.#containers, clock, connection, rooms, engine], () => this.#draw());
    return () => {
      end();
      resized.disconnect();
      scheme.removeEventListener('change', this.#frame.ask);
      this.#frame.cancel();
    };
  }

  get #minutes() {
    const held = Number(urlState('minutes'));
    return MINUTES.includes(held) ? held : 5;
  }

  /** @param {number} minutes */
  #setWindow(minutes) {
    setUrlState('minutes', minutes === 5 ? '' : String(minutes));
    this.#frame.ask();
  }

  /**
   * @param {number | undefined} at
   * @param {FigureChart} chart
   */
  #point(at, chart) {
    this.#hover = at === undefined ? undefined : { at, chart };
    this.#frame.ask();
  }

  #togglePause() {
    if (this.#paused === undefined) {
      const { containers, now } = this.#current;
      // The store's own lists go on.
      this.#paused = { containers: containers.map((held) => ({ ...held, measures: [...held.measures] })), now };
    } else {
      this.#paused = undefined;
    }
    this.#frame.ask();
  }

  get #current() {
    return { containers: this.#containers.getSnapshot(), now: this.#stores.serverNow };
  }

  #draw() {
    const { containers, now } = this.#paused ?? this.#current;
    const from = now - this.#minutes * 60_000;
    const shown = containers.filter(({ measures }) => (measures.at(-1)?.at ?? 0) > from);
    for (const button of this.#windows) {
      setAttribute(button, 'aria-pressed', String(button.dataset['minutes'] === String(this.#minutes)));
    }
    this.#pause.draw(this.#paused !== undefined, 'Resume');
    setAttribute(this.#body, 'data-stale', !this.#stores.connection.getSnapshot().current);
    const picked = this.#table.draw(shown, now);
    for (const chart of this.#charts) {
      chart.draw(picked, { from, to: now, hover: this.#hover?.at }, this.#hover?.chart === chart);
    }
    this.#drawEmpty(shown.length === 0);
  }

  /** @param {boolean} nothing */
  #drawEmpty(nothing) {
    const { known, open } = this.#stores.rooms.getSnapshot();
    this.#body.hidden = nothing;
    this.#empty.hidden = !nothing;
    const [title, text] = this.#empty.children;
    if (title !== undefined && text !== undefined) {
      const waiting = !known || open.length > 0;
      setText(title, this.#stores.engine.getSnapshot().away ? 'Waiting for the engine' : waiting ? 'Waiting for the first samples' : 'No containers yet');
      setText(text, waiting ? 'Running containers appear here with their first measured second.' : 'Start a stack, for example with docker compose up, or try nself-admin --demo.');
    }
  }
}

/** One chart with its title, and what is pointed at. */
class FigureChart {
  #figure;
  #chart;
  #values = h('p', { class: 'chart-values' });
  canvas = h('canvas', { role: 'img' });

  /**
   * @param {Figure} figure
   * @param {(at: number | undefined, chart: FigureChart) => void} point
   */
  constructor(figure, point) {
    this.#figure = figure;
    this.#chart = new Chart(this.canvas, { ...figure, holeMs: HOLE_MS });
    this.canvas.addEventListener('pointermove', ({ offsetX }) => point(this.#chart.timeAt(offsetX), this));
    this.canvas.addEventListener('pointerleave', () => point(undefined, this));
    this.element = h('figure', { class: 'chart' }, h('figcaption', {}, figure.title), this.canvas, this.#values);
  }

  /**
   * @param {readonly Container[]} containers
   * @param {{from: number, to: number, hover: number | undefined}} time
   * @param {boolean} pointed the values are told here
   */
  draw(containers, time, pointed) {
    const { lines, format, title } = this.#figure;
    /** @type {Series[]} */
    const series = containers.flatMap(({ name, measures }, index) =>
      lines.map(({ field, name: line, dashed }) => ({
        label: name + line,
        color: `--line-${index % COLORS}`,
        dashed,
        samples: measures.map((measure) => ({ at: measure.at, value: measure[field] })),
      })),
    );
    this.#chart.draw(series, time);
    setAttribute(this.canvas, 'aria-label', `${title} of ${containers.map(({ name }) => name).join(', ') || 'no container'}; the table has the figures`);
    const values = time.hover === undefined || !pointed ? [] : this.#valuesAt(series, time.hover, format);
    this.#values.replaceChildren(...values);
  }

  /**
   * @param {readonly Series[]} series
   * @param {number} at
   * @param {Figure['format']} format
   */
  #valuesAt(series, at, format) {
    const time = formatTime(new Date(at).toISOString()).slice(0, 8);
    const values = series.map(({ label, color, samples }) => {
      const value = nearest(samples, at, HOLE_MS)?.value;
      return h('span', { class: `of${color.slice(1)}` }, `${label} ${value === undefined ? '–' : format(value)}`);
    });
    return [h('span', {}, time), ...values];
  }
}
