// Whether the end of a list stays in sight when rows are added: it does until its reader scrolls up, and
// again once the reader is back at the end.

/** @typedef {Pick<HTMLElement, 'scrollTop' | 'scrollHeight' | 'clientHeight'>} Viewport */

/**
 * Whether the end of the list is in sight.
 * @param {Viewport} viewport
 * @param {number} lineHeight
 */
export function isAtEnd({ scrollTop, scrollHeight, clientHeight }, lineHeight) {
  return scrollHeight - clientHeight - scrollTop < lineHeight;
}

export class StayAtEnd {
  #viewport;
  #lineHeight;
  #stays = true;
  /** Where the page itself scrolled to: a reader who scrolls up is above. */
  #scrolledTo = 0;

  /**
   * @param {Viewport} viewport
   * @param {number} lineHeight
   */
  constructor(viewport, lineHeight) {
    this.#viewport = viewport;
    this.#lineHeight = lineHeight;
  }

  get stays() {
    return this.#stays;
  }

  /** The reader asked for the newest. */
  resume() {
    this.#stays = true;
  }

  /** Looks where the reader has scrolled to. To be called before rows change. */
  notice() {
    const { scrollTop } = this.#viewport;
    this.#stays = isAtEnd(this.#viewport, this.#lineHeight) || (this.#stays && scrollTop >= this.#scrolledTo);
  }

  /**
   * Scrolls, once the list has its new height: to the end if that stays in sight, else by so many pixels.
   * @param {number} by what came or went above the rows in sight
   */
  scroll(by) {
    if (this.#stays) {
      this.#viewport.scrollTop = this.#viewport.scrollHeight;
    } else if (by !== 0) {
      this.#viewport.scrollTop += by;
    }
    this.#scrolledTo = this.#viewport.scrollTop;
  }
}
