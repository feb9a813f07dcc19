// Figures as people read them. Absent figures are a dash, never a zero.

export const ABSENT = '–';

const COUNT = new Intl.NumberFormat('en-US');
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param {number} count */
export function formatCount(count) {
  return COUNT.format(count);
}

/** @param {number | undefined} percent */
export function formatPercent(percent) {
  return percent === undefined ? ABSENT : `${percent.toFixed(1)} %`;
}

/** @param {number | undefined} bytes */
export function formatBytes(bytes) {
  if (bytes === undefined) {
    return ABSENT;
  }
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** @param {number | undefined} bytesPerSecond */
export function formatRate(bytesPerSecond) {
  return bytesPerSecond === undefined ? ABSENT : `${formatBytes(bytesPerSecond)}/s`;
}

/**
 * The two largest units that say something.
 * @param {number} ms
 */
export function formatDuration(ms) {
  if (ms < MINUTE) {
    return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  }
  if (ms < HOUR) {
    return `${Math.floor(ms / MINUTE)} min ${Math.floor((ms % MINUTE) / SECOND)} s`;
  }
  if (ms < DAY) {
    return `${Math.floor(ms / HOUR)} h ${Math.floor((ms % HOUR) / MINUTE)} min`;
  }
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`;
}

/**
 * How long ago, in the largest unit.
 * @param {number} ms
 */
export function formatAge(ms) {
  for (const [unit, name] of /** @type {const} */ ([[DAY, 'd'], [HOUR, 'h'], [MINUTE, 'min'], [SECOND, 's']])) {
    if (ms >= unit) {
      return `${Math.floor(ms / unit)} ${name} ago`;
    }
  }
  return 'now';
}

/**
 * Local time of day, with milliseconds.
 * @param {string} timestamp RFC 3339
 */
export function formatTime(timestamp) {
  const at = new Date(timestamp);
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  const ms = String(at.getMilliseconds()).padStart(3, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${ms}`;
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} many
 */
export function plural(count, one, many) {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
