// Rows of one height, of which only those near the viewport are in the document: its size is constant,
// however long the list is.

const OVERSCAN = 8;

/**
 * Which rows to draw: from `first` up to, not including, `last`.
 * @param {{scrollTop: number, viewportHeight: number, rowHeight: number, count: number}} view
 */
export function visibleRange({ scrollTop, viewportHeight, rowHeight, count }) {
  const top = Math.floor(Math.max(0, scrollTop) / rowHeight);
  const bottom = Math.ceil((Math.max(0, scrollTop) + viewportHeight) / rowHeight);
  const last = Math.min(count, bottom + OVERSCAN);
  return { first: Math.max(0, Math.min(top - OVERSCAN, last)), last };
}

/**
 * Whether the end of the list is in sight: it then stays there when rows are added.
 * @param {{scrollTop: number, viewportHeight: number, scrollHeight: number, rowHeight: number}} view
 */
export function isAtEnd({ scrollTop, viewportHeight, scrollHeight, rowHeight }) {
  return scrollHeight - viewportHeight - scrollTop < rowHeight;
}

/** @template Item */
export class VirtualList {
  #viewport;
  #canvas;
  #rowHeight;
  #draw;
  /** @type {Map<number, HTMLElement>} by the number of the row, in the document's order */
  #drawn = new Map();

  /**
   * @param {{viewport: HTMLElement, canvas: HTMLElement, rowHeight: number,
   *   draw: (item: Item) => HTMLElement}} options `canvas` lies in `viewport`, which scrolls
   */
  constructor({ viewport, canvas, rowHeight, draw }) {
    this.#viewport = viewport;
    this.#canvas = canvas;
    this.#rowHeight = rowHeight;
    this.#draw = draw;
  }

  /** Forgets what is drawn: the rows have other numbers now. */
  clear() {
    this.#drawn.clear();
    this.#canvas.replaceChildren();
  }

  /**
   * Makes room for as many rows.
   * @param {number} count
   */
  resize(count) {
    this.#canvas.style.height = `${count * this.#rowHeight}px`;
  }

  /**
   * Draws the rows that are in sight.
   * @param {readonly Item[]} items
   * @param {number} offset number of the first item; an item keeps its number as long as it is there
   */
  render(items, offset) {
    const rowHeight = this.#rowHeight;
    const { first, last } = visibleRange({
      scrollTop: this.#viewport.scrollTop,
      viewportHeight: this.#viewport.clientHeight,
      rowHeight,
      count: items.length,
    });
    this.#canvas.style.setProperty('--above', `${first * rowHeight}px`);
    for (const [number, row] of this.#drawn) {
      if (number < offset + first || number >= offset + last) {
        row.remove();
        this.#drawn.delete(number);
      }
    }
    /** @type {Element | null} */
    let next = this.#canvas.firstElementChild;
    for (const [at, item] of items.slice(first, last).entries()) {
      const number = offset + first + at;
      const held = this.#drawn.get(number);
      if (held === undefined) {
        const row = this.#draw(item);
        this.#drawn.set(number, row);
        this.#canvas.insertBefore(row, next);
      } else {
        next = held.nextElementSibling;
      }
    }
  }
}
