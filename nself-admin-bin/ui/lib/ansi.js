// The colours of a terminal (SGR sequences) as styled pieces of text. Every colour becomes one of the
// sixteen that the style sheet has for dark and light, so that all of them stay readable in both.

/** @typedef {{text: string, classes: string[]}} Span */

// Begins with the escape character, and ends with the letter that says what it is.
const SEQUENCE = /\x1b\[([0-9;:]*)([A-Za-z])/g;

/**
 * The text without its colours.
 * @param {string} text
 */
export function plainText(text) {
  return text.includes('\x1b') ? text.replace(SEQUENCE, '') : text;
}

/**
 * @param {string} text
 * @returns {Span[]}
 */
export function parseAnsi(text) {
  if (!text.includes('\x1b')) {
    return [{ text, classes: [] }];
  }
  const style = new Style();
  /** @type {Span[]} */
  const spans = [];
  let end = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    push(spans, text.slice(end, match.index), style);
    if (match[2] === 'm') {
      style.apply(match[1] ?? '');
    }
    end = match.index + match[0].length;
  }
  push(spans, text.slice(end), style);
  return spans;
}

/**
 * @param {Span[]} spans
 * @param {string} text
 * @param {Style} style
 */
function push(spans, text, style) {
  if (text !== '') {
    spans.push({ text, classes: style.classes() });
  }
}

const BOLD = 'ansi-bold';
const DIM = 'ansi-dim';
const ITALIC = 'ansi-italic';
const UNDERLINE = 'ansi-underline';
const INVERSE = 'ansi-inverse';
const STRIKE = 'ansi-strike';

/** @type {Record<number, string>} */
const SET = { 1: BOLD, 2: DIM, 3: ITALIC, 4: UNDERLINE, 7: INVERSE, 9: STRIKE };
/** @type {Record<number, string[]>} */
const UNSET = { 22: [BOLD, DIM], 23: [ITALIC], 24: [UNDERLINE], 27: [INVERSE], 29: [STRIKE] };

class Style {
  /** @type {Set<string>} */
  #marks = new Set();
  /** @type {number | undefined} */
  #foreground;
  /** @type {number | undefined} */
  #background;

  classes() {
    const classes = [...this.#marks];
    if (this.#foreground !== undefined) {
      classes.push(`ansi-fg-${this.#foreground}`);
    }
    if (this.#background !== undefined) {
      classes.push(`ansi-bg-${this.#background}`);
    }
    return classes;
  }

  /** @param {string} parameters */
  apply(parameters) {
    const codes = parameters.split(/[;:]/).map(Number);
    for (let at = 0; at < codes.length; at += 1) {
      const code = codes[at] ?? 0;
      if (code === 38 || code === 48) {
        const { color, length } = extended(codes.slice(at + 1));
        this.#color(code === 38, color);
        at += length;
      } else {
        this.#applyPlain(code);
      }
    }
  }

  /** @param {number} code */
  #applyPlain(code) {
    if (code === 0) {
      this.#marks.clear();
      this.#foreground = undefined;
      this.#background = undefined;
    } else if (code === 39 || code === 49) {
      this.#color(code === 39, undefined);
    } else if (code >= 30 && code <= 37) {
      this.#foreground = code - 30;
    } else if (code >= 90 && code <= 97) {
      this.#foreground = code - 90 + 8;
    } else if (code >= 40 && code <= 47) {
      this.#background = code - 40;
    } else if (code >= 100 && code <= 107) {
      this.#background = code - 100 + 8;
    }
    const set = SET[code];
    if (set !== undefined) {
      this.#marks.add(set);
    }
    for (const mark of UNSET[code] ?? []) {
      this.#marks.delete(mark);
    }
  }

  /**
   * @param {boolean} foreground
   * @param {number | undefined} color
   */
  #color(foreground, color) {
    if (foreground) {
      this.#foreground = color;
    } else {
      this.#background = color;
    }
  }
}

/**
 * Reads what follows 38 or 48: `5;n` of 256 colours, or `2;r;g;b`.
 * @param {number[]} codes
 * @returns {{color: number | undefined, length: number}} `length` of the codes that belong to it
 */
function extended([mode, a = 0, b = 0, c = 0]) {
  if (mode === 2) {
    return { color: nearest(a, b, c), length: 4 };
  }
  if (mode !== 5) {
    return { color: undefined, length: 1 };
  }
  if (a < 16) {
    return { color: a, length: 2 };
  }
  if (a >= 232) {
    const grey = 8 + (a - 232) * 10;
    return { color: nearest(grey, grey, grey), length: 2 };
  }
  const steps = [Math.floor((a - 16) / 36), Math.floor((a - 16) / 6) % 6, (a - 16) % 6];
  const [red = 0, green = 0, blue = 0] = steps.map((step) => (step === 0 ? 0 : 55 + step * 40));
  return { color: nearest(red, green, blue), length: 2 };
}

// A channel counts as lit from this part of the brightest one on.
const LIT = 0.6;
const BRIGHT = 192;

/**
 * The one of the sixteen colours with the same hue and about the same brightness.
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 */
function nearest(red, green, blue) {
  const most = Math.max(red, green, blue);
  if (most < 48) {
    return 0;
  }
  const [r, g, b] = [red, green, blue].map((channel) => Number(channel >= most * LIT));
  const hue = (r ?? 0) + 2 * (g ?? 0) + 4 * (b ?? 0);
  if (hue === 7) {
    return most < 96 ? 8 : most < BRIGHT ? 7 : 15;
  }
  return most < BRIGHT ? hue : hue + 8;
}
