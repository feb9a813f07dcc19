// What a close code tells a client to do. The ranges carry the advice: 4000–4499 mean "come back",
// 4500–4999 "do not"; of the standard codes only a normal end and a fault of our own are final.

/** @typedef {'return' | 'stay' | 'stop'} Advice */

const NORMAL = 1000;
const OUR_FAULT = [1002, 1003, 1007, 1009];

/**
 * `return`: connect again. `stay`: a normal end. `stop`: connecting again would end the same way.
 * @param {number} code
 * @returns {Advice}
 */
export function adviceOf(code) {
  if (code === NORMAL) {
    return 'stay';
  }
  return OUR_FAULT.includes(code) || (code >= 4500 && code <= 4999) ? 'stop' : 'return';
}
