// Rows of which only those near the viewport are in the document: its size is constant, however long the
// list is. A row is one or more lines high.

const OVERSCAN = 8;

/** Where rows of different heights lie, in lines from the top. */
export class Rows {
  /** @type {number[]} the line after each row, counted since the rows were made anew */
  #ends = [];
  /** Lines that went from the top. */
  #gone = 0;

  get count() {
    return this.#ends.length;
  }

  get lines() {
    return (this.#ends.at(-1) ?? this.#gone) - this.#gone;
  }

  clear() {
    this.#ends = [];
    this.#gone = 0;
  }

  /** @param {number} lines of the row that is added at the end */
  push(lines) {
    this.#ends.push((this.#ends.at(-1) ?? this.#gone) + lines);
  }

  /** @param {number} count of rows that go from the top */
  shift(count) {
    if (count > 0) {
      this.#gone = this.#ends[Math.min(count, this.#ends.length) - 1] ?? this.#gone;
      this.#ends = this.#ends.slice(count);
    }
  }

  /**
   * The first line of a row.
   * @param {number} row
   */
  topOf(row) {
    return (this.#ends[row - 1] ?? this.#gone) - this.#gone;
  }

  /**
   * The row that a line belongs to.
   * @param {number} line
   */
  at(line) {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] ?? 0) - this.#gone <= line) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /**
   * Which rows to draw: from `first` up to, not including, `last`.
   * @param {{scrollTop: number, viewportHeight: number, lineHeight: number}} view
   */
  visible({ scrollTop, viewportHeight, lineHeight }) {
    const top = Math.max(0, scrollTop);
    const last = Math.min(this.count, this.at(Math.ceil((top + viewportHeight) / lineHeight) - 1) + 1 + OVERSCAN);
    return { first: Math.max(0, Math.min(this.at(Math.floor(top / lineHeight)) - OVERSCAN, last)), last };
  }
}

/** @template Item */
export class VirtualList {
  #viewport;
  #canvas;
  #lineHeight;
  #draw;
  #linesOf;
  #rows = new Rows();
  /** Number of the first row. */
  #offset = 0;
  /** @type {Map<number, HTMLElement>} by the number of the row, in the document's order */
  #drawn = new Map();

  /**
   * @param {{viewport: HTMLElement, canvas: HTMLElement, lineHeight: number,
   *   draw: (item: Item) => HTMLElement, linesOf: (item: Item) => number}} options `canvas` lies in `viewport`,
   *   which scrolls
   */
  constructor({ viewport, canvas, lineHeight, draw, linesOf }) {
    this.#viewport = viewport;
    this.#canvas = canvas;
    this.#lineHeight = lineHeight;
    this.#draw = draw;
    this.#linesOf = linesOf;
  }

  /** Forgets what is drawn and measured: the rows have other numbers now, or look different. */
  clear() {
    this.#rows.clear();
    this.redraw();
  }

  /** Forgets what is drawn: the rows look different now. */
  redraw() {
    this.#drawn.clear();
    this.#canvas.replaceChildren();
  }

  /**
   * Makes room for the items.
   * @param {readonly Item[]} items
   * @param {number} offset number of the first item; an item keeps its number as long as it is there
   */
  resize(items, offset) {
    if (this.#rows.count > 0) {
      this.#rows.shift(offset - this.#offset);
    }
    this.#offset = offset;
    for (let at = this.#rows.count; at < items.length; at += 1) {
      this.#rows.push(this.#linesOf(/** @type {Item} */ (items[at])));
    }
    this.#canvas.style.height = `${this.#rows.lines * this.#lineHeight}px`;
  }

  /** The row at the top edge of the viewport. */
  get top() {
    return this.#rows.at(Math.floor(this.#viewport.scrollTop / this.#lineHeight));
  }

  /**
   * How far from the top a row begins, in pixels.
   * @param {number} row
   */
  topOf(row) {
    return this.#rows.topOf(row) * this.#lineHeight;
  }

  /**
   * Draws the rows that are in sight.
   * @param {readonly Item[]} items
   */
  render(items) {
    const offset = this.#offset;
    const { first, last } = this.#rows.visible({
      scrollTop: this.#viewport.scrollTop,
      viewportHeight: this.#viewport.clientHeight,
      lineHeight: this.#lineHeight,
    });
    this.#canvas.style.setProperty('--above', `${this.topOf(first)}px`);
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
