// A chart of lines over time on a canvas: the arithmetic, and drawing it. Time without samples is a hole.

/**
 * @typedef {{at: number, value: number | undefined}} ChartSample
 * @typedef {{label: string, color: string, dashed?: boolean, samples: readonly ChartSample[]}} Series
 * @typedef {{from: number, to: number, width: number, height: number, top: number, holeMs: number}} Frame `top`:
 *   the value at the upper edge
 */

/**
 * The points of a line, in pieces: between two pieces there is a hole.
 * @param {readonly ChartSample[]} samples rising in `at`
 * @param {Frame} frame
 * @returns {[number, number][][]}
 */
export function piecesOf(samples, { from, to, width, height, top, holeMs }) {
  /** @type {[number, number][][]} */
  const pieces = [];
  let before = -Infinity;
  for (const { at, value } of samples) {
    if (value === undefined) {
      before = -Infinity;
      continue;
    }
    if (at < from - holeMs || at > to) {
      continue;
    }
    const x = ((at - from) / (to - from)) * width;
    const y = height - (Math.min(value, top) / top) * height;
    if (at - before > holeMs) {
      pieces.push([]);
    }
    pieces.at(-1)?.push([x, y]);
    before = at;
  }
  return pieces;
}

/**
 * The next round number that is not below: 1, 2 or 5 of the figure's own decimal place, in steps of 1,024
 * for bytes.
 * @param {number} value
 * @param {boolean} bytes
 */
export function niceTop(value, bytes) {
  const unit = bytes ? 1_024 ** Math.max(0, Math.floor(Math.log(Math.max(value, 1)) / Math.log(1_024))) : 1;
  const scaled = value / unit;
  const place = 10 ** Math.floor(Math.log10(Math.max(scaled, 1e-9)));
  const top = ([1, 2, 5, 10].find((factor) => factor * place >= scaled - 1e-9) ?? 10) * place;
  return (bytes && top === 1_000 ? 1_024 : top) * unit;
}

/**
 * The sample that is nearest to a time; `undefined` if none is near.
 * @param {readonly ChartSample[]} samples
 * @param {number} at
 * @param {number} holeMs
 */
export function nearest(samples, at, holeMs) {
  /** @type {ChartSample | undefined} */
  let found;
  for (const sample of samples) {
    if (found === undefined || Math.abs(sample.at - at) <= Math.abs(found.at - at)) {
      found = sample;
    }
  }
  return found !== undefined && Math.abs(found.at - at) <= holeMs / 2 ? found : undefined;
}

const LINES = 4;
const MARGIN = { left: 64, right: 8, top: 8, bottom: 20 };

export class Chart {
  #canvas;
  #format;
  #bytes;
  #least;
  #holeMs;
  /** @type {{series: readonly Series[], from: number, to: number, hover: number | undefined}} */
  #shown = { series: [], from: 0, to: 1, hover: undefined };

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{format: (value: number) => string, bytes: boolean, least: number, holeMs: number}} options `least`:
   *   the smallest value at the upper edge
   */
  constructor(canvas, { format, bytes, least, holeMs }) {
    this.#canvas = canvas;
    this.#format = format;
    this.#bytes = bytes;
    this.#least = least;
    this.#holeMs = holeMs;
  }

  /**
   * @param {readonly Series[]} series
   * @param {{from: number, to: number, hover: number | undefined}} time `hover`: which time is pointed at
   */
  draw(series, time) {
    this.#shown = { series, ...time };
    const { clientWidth, clientHeight } = this.#canvas;
    const pen = this.#canvas.getContext('2d');
    if (pen === null || clientWidth === 0) {
      return;
    }
    const scale = devicePixelRatio;
    if (this.#canvas.width !== Math.round(clientWidth * scale) || this.#canvas.height !== Math.round(clientHeight * scale)) {
      this.#canvas.width = Math.round(clientWidth * scale);
      this.#canvas.height = Math.round(clientHeight * scale);
    }
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, clientWidth, clientHeight);
    const style = getComputedStyle(this.#canvas);
    const frame = this.#frame(clientWidth, clientHeight);
    this.#drawGrid(pen, frame, style);
    pen.save();
    pen.translate(MARGIN.left, MARGIN.top);
    pen.beginPath();
    pen.rect(0, -1, frame.width, frame.height + 2);
    pen.clip();
    for (const { color, dashed, samples } of series) {
      pen.strokeStyle = style.getPropertyValue(color);
      pen.lineWidth = 1.5;
      pen.lineJoin = 'round';
      pen.setLineDash(dashed ? [4, 3] : []);
      pen.beginPath();
      for (const piece of piecesOf(samples, frame)) {
        piece.forEach(([x, y], index) => (index === 0 ? pen.moveTo(x, y) : pen.lineTo(x, y)));
        if (piece.length === 1) {
          // A sample by itself is a dot.
          const [[x, y]] = /** @type {[[number, number]]} */ (piece);
          pen.rect(x - 0.5, y - 0.5, 1, 1);
        }
      }
      pen.stroke();
    }
    if (time.hover !== undefined) {
      const x = ((time.hover - time.from) / (time.to - time.from)) * frame.width;
      pen.strokeStyle = style.getPropertyValue('--muted');
      pen.setLineDash([]);
      pen.lineWidth = 1;
      pen.strokeRect(Math.round(x) + 0.5, 0, 0, frame.height);
    }
    pen.restore();
  }

  /**
   * The time under a point of the canvas; `undefined` beside the lines.
   * @param {number} x in pixels from its left edge
   */
  timeAt(x) {
    const { from, to } = this.#shown;
    const part = (x - MARGIN.left) / (this.#canvas.clientWidth - MARGIN.left - MARGIN.right);
    return part < 0 || part > 1 ? undefined : from + part * (to - from);
  }

  /**
   * @param {number} width
   * @param {number} height
   * @returns {Frame}
   */
  #frame(width, height) {
    const { series, from, to } = this.#shown;
    let most = this.#least;
    for (const { samples } of series) {
      for (const { at, value } of samples) {
        most = at >= from && at <= to && value !== undefined && value > most ? value : most;
      }
    }
    return {
      from,
      to,
      width: width - MARGIN.left - MARGIN.right,
      height: height - MARGIN.top - MARGIN.bottom,
      top: niceTop(most, this.#bytes),
      holeMs: this.#holeMs,
    };
  }

  /**
   * @param {CanvasRenderingContext2D} pen
   * @param {Frame} frame
   * @param {CSSStyleDeclaration} style
   */
  #drawGrid(pen, { width, height, top, from, to }, style) {
    pen.font = `12px ${style.fontFamily}`;
    pen.fillStyle = style.getPropertyValue('--muted');
    pen.strokeStyle = style.getPropertyValue('--line');
    pen.lineWidth = 1;
    pen.setLineDash([]);
    pen.textAlign = 'right';
    pen.textBaseline = 'middle';
    for (let line = 0; line <= LINES; line += 1) {
      const y = Math.round(MARGIN.top + (height * line) / LINES) + 0.5;
      pen.beginPath();
      pen.moveTo(MARGIN.left, y);
      pen.lineTo(MARGIN.left + width, y);
      pen.stroke();
      if (line % 2 === 0) {
        pen.fillText(this.#format(top * (1 - line / LINES)), MARGIN.left - 8, y);
      }
    }
    pen.textBaseline = 'alphabetic';
    const minutes = Math.round((to - from) / 60_000);
    const edge = MARGIN.top + height + 15;
    pen.textAlign = 'left';
    pen.fillText(minutes === 1 ? '1 min ago' : `${minutes} min ago`, MARGIN.left, edge);
    pen.textAlign = 'right';
    pen.fillText('now', MARGIN.left + width, edge);
  }
}
