// The builds of a project: what each has said from its start, folded into how it stands. The newest 20 are
// held, as the server keeps them.

import { Store } from '../store.js';
import { covers } from '../filter.js';
import { newRun, withEvent } from '../build_run.js';

/** @import { SessionEvent } from '../session.js' */
/** @import { Run } from '../build_run.js' */

const TYPE = 'build:progress';
const KEPT = 20;

/**
 * @typedef {'pending' | 'in-progress' | 'complete' | 'failed' | 'cancelled'} ProgressStatus
 * @typedef {{name: string, status: ProgressStatus, currentBytes?: number, totalBytes?: number}} ProgressItem
 * @typedef {{buildId: string, step: string, status: ProgressStatus, progress: number, currentStep: number,
 *   totalSteps: number, message?: string, logs?: string[], logsDropped?: number, error?: string,
 *   elapsedMs?: number, items?: ProgressItem[]}} BuildProgress
 */

/**
 * `known`: the server has told which builds there were. `latest`: how the newest stands; `history`: all of
 * them, the newest first.
 * @typedef {{known: boolean, latest: Run | undefined, history: readonly Run[], isBuilding: boolean}} Builds
 */

/** @extends {Store<Builds>} */
export class BuildProgressStore extends Store {
  /** @type {string | undefined} */
  #room;
  #known = false;
  /** @type {Map<string, Run>} the oldest first */
  #runs = new Map();
  /** @type {Set<string>} builds that are not looked at any more */
  #hidden = new Set();

  constructor() {
    super(() => {
      const history = [...this.#runs.values()].reverse();
      const latest = history[0];
      return {
        known: this.#known,
        latest,
        history,
        isBuilding: latest !== undefined && !latest.ended,
      };
    });
  }

  /**
   * Holds the builds of this room, and no others.
   * @param {string} room
   */
  open(room) {
    if (room !== this.#room) {
      this.#room = room;
      this.#forget();
      this.changed();
    }
  }

  /** Looks at none of the builds that have ended any more, as if there had been none. */
  reset() {
    for (const [buildId, { ended }] of this.#runs) {
      if (ended) {
        this.#hidden.add(buildId);
        this.#runs.delete(buildId);
      }
    }
    this.changed();
  }

  /** @param {SessionEvent} event */
  handle(event) {
    if (!('room' in event) || event.room !== this.#room) {
      return;
    }
    if (event.kind === 'closed') {
      this.#forget();
      this.changed();
    } else if (event.kind === 'snapshot' && covers(event.filters, TYPE, undefined)) {
      this.#runs.clear();
      this.#known = true;
      this.#add(event.events);
      this.changed();
    } else if (event.kind === 'events' && event.events.some(({ type }) => type === TYPE)) {
      this.#add(event.events);
      this.changed();
    }
  }

  #forget() {
    this.#known = false;
    this.#runs.clear();
  }

  /** @param {readonly import('../frames.js').Event[]} events */
  #add(events) {
    for (const { type, timestamp, data } of events) {
      if (type === TYPE && !this.#hidden.has(data.buildId)) {
        const run = this.#runs.get(data.buildId) ?? newRun(data.buildId, timestamp, data);
        this.#runs.set(data.buildId, withEvent(run, timestamp, data));
      }
    }
    for (const buildId of this.#runs.keys()) {
      if (this.#runs.size <= KEPT) {
        break;
      }
      this.#runs.delete(buildId);
    }
  }
}
