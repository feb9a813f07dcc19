// The log of one service. The newest lines stay in sight until the reader scrolls up or pauses; what is
// searched for stands in the address, so a reload comes back to it.

import { LogView } from '../lib/log_view.js';
import { h, setAttribute, setText } from '../lib/view/dom.js';
import { formatCount, plural } from '../lib/view/format.js';
import { nextFrame } from '../lib/view/frame.js';
import { icon } from '../lib/view/icons.js';
import { view } from '../lib/view/view.js';
import { VirtualList, isAtEnd } from '../lib/view/virtual_list.js';
import { drawEntry } from './log_entry.js';

/** @import { Context, Page } from '../app.js' */
/** @import { LogEntry } from '../lib/stores/logs.js' */
/** @import { Stores } from '../lib/stores.js' */

const TAIL = 500;
const ROW_HEIGHT = 20;

/**
 * @param {Context} context
 * @param {{project: string, service: string}} route
 * @returns {Page}
 */
export function mountLogs({ client, stores, main }, { project, service }) {
  const page = new LogPage(stores, project, service);
  main.append(...page.elements);
  stores.logs.open(project, service);
  client.read(project, [{ types: ['logs:stream'], keys: [service], tail: TAIL }]);
  const endView = page.start();
  return {
    title: `${project} / ${service}`,
    leave: () => {
      endView();
      client.read(project, []);
      stores.logs.close(project, service);
    },
  };
}

class LogPage {
  #stores;
  #project;
  #service;
  #view = new LogView();
  #following = true;
  /** Where the page itself scrolled to: a reader who scrolls up is above. */
  #scrolledTo = 0;

  #canvas = h('div', { class: 'log-canvas' });
  #viewport = h('div', { id: 'log', role: 'log', 'aria-live': 'off', tabindex: '0' }, this.#canvas);
  #list = new VirtualList({
    viewport: this.#viewport,
    canvas: this.#canvas,
    rowHeight: ROW_HEIGHT,
    draw: drawEntry,
  });
  #empty = h('p', { class: 'log-empty' });
  #count = h('p', { class: 'log-count' });
  #search = h('input', {
    id: 'search',
    type: 'search',
    placeholder: 'Search',
    'aria-label': 'Show only lines with this text',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  #pause = h('button', { id: 'pause', type: 'button', 'aria-pressed': 'false' });
  #jump = h('button', { id: 'jump', type: 'button', hidden: true }, icon('down'), 'Jump to newest');
  #frame = nextFrame(() => this.#draw());

  /**
   * @param {Stores} stores
   * @param {string} project
   * @param {string} service
   */
  constructor(stores, project, service) {
    this.#stores = stores;
    this.#project = project;
    this.#service = service;
    this.#canvas.style.setProperty('--row', `${ROW_HEIGHT}px`);
    setAttribute(this.#viewport, 'aria-label', `Log of ${service}`);
  }

  get elements() {
    const crumbs = h('a', { class: 'crumb', href: '/' }, 'Dashboard');
    const title = h('h1', { tabindex: '-1' }, h('span', { class: 'muted' }, `${this.#project} / `), this.#service);
    const tools = h('div', { class: 'log-tools' }, this.#count, this.#search, this.#pause);
    return [
      h('header', { class: 'log-head' }, crumbs, title, tools),
      h('div', { class: 'log-frame' }, this.#viewport, this.#empty, this.#jump),
    ];
  }

  /** @returns {() => void} ends it */
  start() {
    const held = new URLSearchParams(location.search).get('q') ?? '';
    this.#search.value = held;
    this.#view.filter(held);
    this.#search.addEventListener('input', () => this.#searchFor(this.#search.value));
    this.#pause.addEventListener('click', () => this.#togglePause());
    this.#jump.addEventListener('click', () => this.#jumpToNewest());
    this.#viewport.addEventListener('scroll', this.#frame.ask, { passive: true });
    const resized = new ResizeObserver(this.#frame.ask);
    resized.observe(this.#viewport);
    const { logs, connection, rooms } = this.#stores;
    const endView = view([logs, connection, rooms], () => this.#draw());
    return () => {
      endView();
      resized.disconnect();
      this.#frame.cancel();
    };
  }

  get #log() {
    return this.#stores.logs.log(this.#project, this.#service);
  }

  /** @param {string} text */
  #searchFor(text) {
    const url = new URL(location.href);
    if (text === '') {
      url.searchParams.delete('q');
    } else {
      url.searchParams.set('q', text);
    }
    history.replaceState(undefined, '', url);
    this.#view.filter(text);
    this.#frame.ask();
  }

  #togglePause() {
    if (this.#view.paused) {
      this.#view.resume();
      this.#following = true;
    } else {
      this.#view.pause(this.#log);
    }
    this.#frame.ask();
  }

  #jumpToNewest() {
    this.#view.resume();
    this.#following = true;
    this.#viewport.focus();
    this.#frame.ask();
  }

  #draw() {
    this.#noticeScrolling();
    const anchor = this.#anchor();
    if (this.#view.update(this.#log)) {
      this.#list.clear();
    }
    const { rows, first } = this.#view;
    this.#list.resize(rows.length);
    this.#scroll(anchor, rows);
    this.#list.render(rows, first);
    this.#drawTools(rows);
  }

  #noticeScrolling() {
    const atEnd = isAtEnd({
      scrollTop: this.#viewport.scrollTop,
      viewportHeight: this.#viewport.clientHeight,
      scrollHeight: this.#viewport.scrollHeight,
      rowHeight: ROW_HEIGHT,
    });
    this.#following = atEnd || (this.#following && this.#viewport.scrollTop >= this.#scrolledTo);
  }

  /** The entry at the top edge: where it goes, the view goes. */
  #anchor() {
    const at = Math.floor(this.#viewport.scrollTop / ROW_HEIGHT);
    return { entry: this.#view.rows[at], at, first: this.#view.first };
  }

  /**
   * @param {{entry: LogEntry | undefined, at: number, first: number}} anchor
   * @param {readonly LogEntry[]} rows
   */
  #scroll({ entry, at, first }, rows) {
    if (this.#following) {
      this.#viewport.scrollTop = this.#viewport.scrollHeight;
    } else if (entry !== undefined) {
      const moved = at - (this.#view.first - first);
      const now = rows[moved] === entry ? moved : rows.indexOf(entry);
      if (now !== -1 && now !== at) {
        this.#viewport.scrollTop += (now - at) * ROW_HEIGHT;
      }
    }
    this.#scrolledTo = this.#viewport.scrollTop;
  }

  /** @param {readonly LogEntry[]} rows */
  #drawTools(rows) {
    const { paused, waiting } = this.#view;
    setAttribute(this.#pause, 'aria-pressed', String(paused));
    setText(this.#pause, paused ? `Resume · ${formatCount(waiting)} waiting` : 'Pause');
    this.#jump.hidden = this.#following;
    setText(this.#count, plural(rows.length, 'line', 'lines'));
    setAttribute(this.#viewport, 'data-stale', !this.#stores.connection.getSnapshot().current);
    const empty = rows.length === 0 ? this.#emptyText() : '';
    setText(this.#empty, empty);
    this.#empty.hidden = empty === '';
  }

  #emptyText() {
    const log = this.#log;
    if (log.entries.length > 0) {
      return `No line has “${this.#search.value}”. New ones that do appear here.`;
    }
    const { known, open } = this.#stores.rooms.getSnapshot();
    if (known && !open.some(({ room }) => room === this.#project)) {
      return `There is no project “${this.#project}” now. Its log appears here when there is one.`;
    }
    return log.known ? 'Nothing printed yet. Lines appear here as they are printed.' : 'Waiting for the log…';
  }
}
