// The build of the server's project: its steps, what each works on, its output, and the runs before it. It
// is read from the room, so one that is opened late shows a run from its start.

import { BuildActionsStore } from '../lib/stores/build_actions.js';
import { BuildProgressStore } from '../lib/stores/build_progress.js';
import { h, setAttribute, setText } from '../lib/view/dom.js';
import { icon } from '../lib/view/icons.js';
import { whyNot } from '../lib/view/rights.js';
import { setUrlState, urlState } from '../lib/view/url_state.js';
import { view } from '../lib/view/view.js';
import { BuildHistory } from './build_history.js';
import { BuildRun } from './build_run.js';

/** @import { Context, Page } from '../app.js' */

const FILTERS = [{ types: ['build:progress'] }];

/**
 * @param {Context} context
 * @returns {Page}
 */
export function mountBuild({ client, stores, main }) {
  const { account, connection, engine, clock } = stores;
  const builds = stores.of(BuildProgressStore);
  const actions = new BuildActionsStore();
  const page = new BuildPage(actions, builds);
  main.append(...page.elements);
  /** @type {string | undefined} */
  let reading;
  const read = (/** @type {string | undefined} */ room) => {
    if (room !== reading && reading !== undefined) {
      client.read(reading, []);
    }
    if (room !== reading && room !== undefined) {
      builds.open(room);
      client.read(room, FILTERS);
    }
    reading = room;
  };
  const endView = view([account, builds, actions, connection, engine, clock], () => {
    const held = account.getSnapshot();
    if (held !== undefined) {
      read(held.project);
    }
    page.draw({
      account: held,
      current: connection.getSnapshot().current,
      engineAway: engine.getSnapshot().away,
      now: stores.serverNow,
    });
  });
  return {
    title: 'Build',
    leave: () => {
      endView();
      page.stop();
      read(undefined);
    },
  };
}

/**
 * @typedef {{account: import('../lib/api.js').Account | undefined, current: boolean, engineAway: boolean,
 *   now: number}} Around `now` by the server's clock
 */

class BuildPage {
  #actions;
  #builds;
  #run = new BuildRun();
  #history;
  #project = h('span', { class: 'muted' });
  #start = h('button', { type: 'button', class: 'main', 'data-build': 'start', onclick: () => this.#ask() });
  #cancel = h('button', { type: 'button', 'data-build': 'cancel', onclick: () => this.#cancelLatest() }, 'Cancel');
  #buttons = h('div', { class: 'build-actions' }, this.#start, this.#cancel);
  #note = h('p', { class: 'build-note muted' });
  #refusal = h('p', { class: 'failure', role: 'alert', hidden: true });
  #body;
  #empty = h('div', { class: 'empty', hidden: true }, ...noProject());

  /**
   * @param {BuildActionsStore} actions
   * @param {BuildProgressStore} builds
   */
  constructor(actions, builds) {
    this.#actions = actions;
    this.#builds = builds;
    this.#history = new BuildHistory({ pick: (buildId) => this.#pick(buildId), clear: () => builds.reset() });
    this.#start.append(icon('play'), h('span', {}, 'Build'));
    this.#body = h('div', { class: 'build' }, this.#run.element, this.#history.element);
  }

  get elements() {
    return [
      h(
        'header',
        { class: 'page-head' },
        h('h1', { tabindex: '-1' }, 'Build ', this.#project),
        this.#buttons,
        this.#note,
      ),
      this.#refusal,
      this.#body,
      this.#empty,
    ];
  }

  stop() {
    this.#run.stop();
  }

  /** @param {Around} around */
  draw(around) {
    const { account, now } = around;
    const { known, latest, history } = this.#builds.getSnapshot();
    const without = account !== undefined && account.project === undefined;
    this.#empty.hidden = !without;
    this.#body.hidden = without;
    this.#buttons.hidden = without;
    setText(this.#project, account?.project ?? '');
    setAttribute(this.#body, 'data-stale', !around.current);
    this.#drawActions(around);
    const picked = urlState('run');
    const shown = picked === '' ? latest : (history.find(({ buildId }) => buildId === picked) ?? latest);
    this.#run.draw(shown, now, known);
    this.#history.draw(history, shown?.buildId, now);
  }

  async #ask() {
    this.#pick('');
    await this.#actions.start();
  }

  #cancelLatest() {
    const { latest } = this.#builds.getSnapshot();
    if (latest !== undefined) {
      this.#actions.cancel(latest.buildId);
    }
  }

  /** @param {string} buildId an empty one: the newest, whichever that is */
  #pick(buildId) {
    setUrlState('run', buildId === this.#builds.getSnapshot().latest?.buildId ? '' : buildId);
    this.#builds.changed();
  }

  /** @param {Around} around */
  #drawActions({ account, current, engineAway }) {
    const { isBuilding, latest } = this.#builds.getSnapshot();
    const { asking, refusal } = this.#actions.getSnapshot();
    const reason = whyNot(account);
    const waits = account?.project === undefined || reason !== undefined || !current || asking !== undefined;
    this.#start.disabled = waits || isBuilding || engineAway;
    this.#cancel.disabled = waits || !isBuilding;
    const label = this.#start.lastElementChild;
    if (label !== null) {
      setText(label, asking === 'start' ? 'Starting…' : latest === undefined || isBuilding ? 'Build' : latest.status === 'complete' ? 'Build again' : 'Retry');
    }
    setText(this.#cancel, asking === 'cancel' ? 'Cancelling…' : 'Cancel');
    setText(this.#note, reason ?? (engineAway ? 'Waiting for the container engine' : ''));
    this.#refusal.hidden = refusal === undefined;
    setText(this.#refusal, refusal ?? '');
  }
}

function noProject() {
  return [
    h('h2', {}, 'No project to build'),
    h(
      'p',
      {},
      'This server was started without a project. Start it in a folder with a compose file, or with ',
      h('code', {}, 'nself-admin --project DIR'),
      ', and build it here.',
    ),
  ];
}
