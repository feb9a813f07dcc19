// What this page has asked of builds, and what was refused.

import { cancelBuild, startBuild } from '../build_api.js';
import { RequestError } from '../api.js';
import { Store } from '../store.js';

/**
 * `asking`: no answer yet. `refusal`: what the last one said, if it was no.
 * @typedef {{asking: 'start' | 'cancel' | undefined, refusal: string | undefined}} BuildAsked
 */

/** @extends {Store<BuildAsked>} */
export class BuildActionsStore extends Store {
  /** @type {BuildAsked} */
  #asked = { asking: undefined, refusal: undefined };
  #start;
  #cancel;

  /** @param {{start: typeof startBuild, cancel: typeof cancelBuild}} [send] */
  constructor({ start, cancel } = { start: startBuild, cancel: cancelBuild }) {
    super(() => this.#asked);
    this.#start = start;
    this.#cancel = cancel;
  }

  /** Asks for a build; how it goes comes as events. */
  async start() {
    await this.#ask('start', 'The build could not start', this.#start);
  }

  /** @param {string} buildId */
  async cancel(buildId) {
    await this.#ask('cancel', 'The build could not be cancelled', () => this.#cancel(buildId));
  }

  /**
   * @param {'start' | 'cancel'} what
   * @param {string} refused
   * @param {() => Promise<unknown>} send
   */
  async #ask(what, refused, send) {
    if (this.#asked.asking !== undefined) {
      return;
    }
    this.#set({ asking: what, refusal: undefined });
    try {
      await send();
      this.#set({ asking: undefined, refusal: undefined });
    } catch (error) {
      if (!(error instanceof RequestError)) {
        throw error;
      }
      this.#set({ asking: undefined, refusal: `${refused}: ${error.message}` });
    }
  }

  /** @param {BuildAsked} asked */
  #set(asked) {
    this.#asked = asked;
    this.changed();
  }
}
