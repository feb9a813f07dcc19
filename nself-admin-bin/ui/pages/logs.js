// The log of one or more services of a project. The newest lines stay in sight until the reader scrolls up
// or pauses; what is chosen and searched for stands in the address, so a reload comes back to it.

import { plainText } from '../lib/ansi.js';
import { LogView } from '../lib/log_view.js';
import { LogsStore } from '../lib/stores/logs.js';
import { h, setAttribute, setText } from '../lib/view/dom.js';
import { saveText } from '../lib/view/download.js';
import { nextFrame } from '../lib/view/frame.js';
import { icon } from '../lib/view/icons.js';
import { holdLog, logPath } from '../lib/view/router.js';
import { StayAtEnd } from '../lib/view/stay_at_end.js';
import { view } from '../lib/view/view.js';
import { VirtualList } from '../lib/view/virtual_list.js';
import { drawEntry, heightOf } from './log_entry.js';
import { ServicePicker } from './log_services.js';
import { LogTools } from './log_tools.js';

/** @import { Context, Page } from '../app.js' */
/** @import { LogEntry } from '../lib/stores/logs.js' */
/** @import { Look } from './log_entry.js' */

const TAIL = 500;
const LINE_HEIGHT = 20;

/**
 * @param {Context} context
 * @param {{project: string, services: string[]}} route
 * @returns {Page}
 */
export function mountLogs(context, { project, services }) {
  const { client, stores, main } = context;
  const page = new LogPage(context, project, services);
  main.append(...page.elements);
  const endView = page.start();
  return {
    title: page.title,
    leave: () => {
      endView();
      client.read(project, []);
      stores.of(LogsStore).close();
    },
  };
}

class LogPage {
  #client;
  #stores;
  #moved;
  #logs;
  #project;
  #services;
  #view = new LogView();
  /** @type {Look} */
  #look;

  #canvas = h('div', { class: 'log-canvas' });
  #viewport = h('div', { id: 'log', role: 'log', 'aria-live': 'off', tabindex: '0' }, this.#canvas);
  /** @type {VirtualList<LogEntry>} */
  #list = new VirtualList({
    viewport: this.#viewport,
    canvas: this.#canvas,
    lineHeight: LINE_HEIGHT,
    draw: (entry) => drawEntry(entry, this.#look),
    linesOf: (entry) => heightOf(entry, this.#look),
  });
  #end = new StayAtEnd(this.#viewport, LINE_HEIGHT);
  #title = h('h1', { tabindex: '-1' });
  #empty = h('p', { class: 'log-empty' });
  #jump = h('button', { id: 'jump', type: 'button', hidden: true }, icon('down'), 'Jump to newest');
  #frame = nextFrame(() => this.#draw());
  #tools = new LogTools({
    changed: () => this.#choose(),
    pause: () => this.#togglePause(),
    copy: () => this.#copy(),
    download: () => saveText(`${this.#services.join('+')}.log`, this.#text()),
    clear: () => this.#logs.clear(),
    older: () => this.#logs.loadOlder(),
  });
  #picker;

  /**
   * @param {Context} context
   * @param {string} project
   * @param {string[]} services
   */
  constructor({ client, stores, moved }, project, services) {
    this.#client = client;
    this.#stores = stores;
    this.#moved = moved;
    this.#logs = stores.of(LogsStore);
    this.#project = project;
    this.#services = services;
    this.#picker = new ServicePicker((picked) => this.#pick(picked));
    this.#canvas.style.setProperty('--row', `${LINE_HEIGHT}px`);
    this.#look = this.#newLook();
  }

  get title() {
    return `${this.#services.join(', ')} · ${this.#project}`;
  }

  get elements() {
    const crumb = h('a', { class: 'crumb', href: '/' }, 'Dashboard');
    return [
      h('header', { class: 'log-head' }, crumb, this.#title, this.#picker.element, this.#tools.count),
      this.#tools.element,
      h('div', { class: 'log-frame' }, this.#viewport, this.#empty, this.#jump),
    ];
  }

  /** @returns {() => void} ends it */
  start() {
    this.#open();
    this.#choose();
    this.#jump.addEventListener('click', () => this.#jumpToNewest());
    this.#viewport.addEventListener('scroll', this.#frame.ask, { passive: true });
    const resized = new ResizeObserver(() => this.#resize());
    resized.observe(this.#viewport);
    const { connection, rooms, serviceStatus, clock } = this.#stores;
    const ends = [
      view([this.#logs, connection, rooms], () => this.#draw()),
      view([serviceStatus], () => this.#drawPicker()),
      clock.subscribe(() => this.#tick()),
    ];
    return () => {
      ends.forEach((end) => end());
      resized.disconnect();
      this.#frame.cancel();
    };
  }

  #open() {
    this.#logs.open(this.#project, this.#services);
    this.#client.read(this.#project, [
      { types: ['logs:stream'], keys: this.#services, tail: TAIL },
      { types: ['service:status'] },
    ]);
    this.#title.replaceChildren(h('span', { class: 'muted' }, `${this.#project} / `), this.#services.join(', '));
    setAttribute(this.#viewport, 'aria-label', `Log of ${this.#services.join(', ')}`);
  }

  /** @param {string[]} services */
  #pick(services) {
    history.replaceState(undefined, '', logPath(this.#project, ...services) + location.search);
    this.#services = services;
    this.#moved(this.title);
    this.#end.resume();
    this.#view = new LogView();
    this.#open();
    this.#choose();
    this.#drawPicker();
  }

  /** Shows what the tools say, as the address does. */
  #choose() {
    holdLog();
    this.#look = this.#newLook();
    setAttribute(this.#canvas, 'data-wrap', this.#tools.wraps);
    this.#view.filter(this.#look.filter);
    this.#frame.ask();
  }

  /** @returns {Look} */
  #newLook() {
    return {
      time: this.#tools.time,
      filter: this.#tools.filter(),
      several: this.#services.length > 1,
      columns: this.#tools.wraps ? this.#columns() : undefined,
      now: this.#stores.serverNow,
    };
  }

  /** How many characters of a line's text fit beside its time, stream and level. */
  #columns() {
    const pen = document.createElement('canvas').getContext('2d');
    if (pen === null || !this.#viewport.isConnected) {
      return 80;
    }
    pen.font = getComputedStyle(this.#viewport).font;
    const sample = drawEntry(SAMPLE, { ...this.#look, columns: 1 });
    setAttribute(this.#canvas, 'data-wrap', true);
    this.#canvas.append(sample);
    const width = sample.querySelector('.text')?.clientWidth ?? 0;
    sample.remove();
    return Math.max(10, Math.floor(width / (pen.measureText('0'.repeat(100)).width / 100)));
  }

  #resize() {
    if (this.#tools.wraps) {
      this.#choose();
    }
    this.#frame.ask();
  }

  #tick() {
    if (this.#look.time === 'relative') {
      this.#look = { ...this.#look, now: this.#stores.serverNow };
      this.#list.redraw();
      this.#frame.ask();
    }
  }

  #togglePause() {
    if (this.#view.paused) {
      this.#view.resume();
      this.#end.resume();
    } else {
      this.#view.pause(this.#logs.getSnapshot());
    }
    this.#frame.ask();
  }

  #jumpToNewest() {
    this.#view.resume();
    this.#end.resume();
    this.#viewport.focus();
    this.#frame.ask();
  }

  /** The lines that are shown, as text. */
  #text() {
    const several = this.#services.length > 1;
    return this.#view.rows
      .filter((entry) => entry.kind === 'line')
      .map(({ time, service, line }) => `${time} ${several ? `${service} ` : ''}${plainText(line)}\n`)
      .join('');
  }

  async #copy() {
    const text = this.#text();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const now = new Date(this.#stores.serverNow).toISOString();
      this.#stores.notifications.warn('copy', 'Nothing was copied', NOT_COPIED, now);
    }
  }

  #draw() {
    this.#end.notice();
    const anchor = this.#anchor();
    if (this.#view.update(this.#logs.getSnapshot())) {
      this.#list.clear();
    }
    const { rows, first } = this.#view;
    this.#list.resize(rows, first);
    this.#end.scroll(this.#movedBy(anchor, rows));
    this.#list.render(rows);
    this.#drawTools(rows);
  }

  /** The entry at the top edge: where it goes, the view goes. */
  #anchor() {
    const at = this.#list.top;
    return { entry: this.#view.rows[at], at, top: this.#list.topOf(at), first: this.#view.first };
  }

  /**
   * How far the entry that was at the top edge has moved, in pixels.
   * @param {{entry: LogEntry | undefined, at: number, top: number, first: number}} anchor
   * @param {readonly LogEntry[]} rows
   */
  #movedBy({ entry, at, top, first }, rows) {
    if (entry === undefined || this.#end.stays) {
      return 0;
    }
    const moved = at - (this.#view.first - first);
    const now = rows[moved] === entry ? moved : rows.indexOf(entry);
    return now === -1 ? 0 : this.#list.topOf(now) - top;
  }

  /** @param {readonly LogEntry[]} rows */
  #drawTools(rows) {
    const { entries, live, older } = this.#logs.getSnapshot();
    const { paused, waiting } = this.#view;
    this.#tools.draw({ shown: rows.length, held: entries.length, live, paused, waiting, older });
    this.#jump.hidden = this.#end.stays;
    setAttribute(this.#viewport, 'data-stale', !this.#stores.connection.getSnapshot().current);
    const empty = rows.length === 0 ? this.#emptyText() : '';
    setText(this.#empty, empty);
    this.#empty.hidden = empty === '';
  }

  #drawPicker() {
    const services = this.#stores.serviceStatus.getSnapshot().get(this.#project)?.keys() ?? [];
    this.#picker.draw([...services].sort(), this.#services);
  }

  #emptyText() {
    const { entries, known: told } = this.#logs.getSnapshot();
    if (entries.length > 0) {
      return 'No line is what you look for. New ones that are appear here.';
    }
    const { known, open } = this.#stores.rooms.getSnapshot();
    if (known && !open.some(({ room }) => room === this.#project)) {
      return `There is no project “${this.#project}” now. Its log appears here when there is one.`;
    }
    return told ? 'Nothing printed yet. Lines appear here as they are printed.' : 'Waiting for the log…';
  }
}

const NOT_COPIED = 'Browsers let a page copy where it came by https, and the reader allows it. Download saves the same lines.';

/** @type {LogEntry} for measuring */
const SAMPLE = { kind: 'line', service: '', time: '2026-01-31T12:00:00.000Z', line: '', source: 'stdout' };
