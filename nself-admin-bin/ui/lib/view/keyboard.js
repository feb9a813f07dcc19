// Keys for the whole page. They rest while somebody types, and act only where there is something to act
// on.

/** @typedef {{keys: string, means: string}} Shortcut */

/** @type {readonly Shortcut[]} */
export const SHORTCUTS = [
  { keys: 'g d', means: 'Go to the dashboard' },
  { keys: 'g b', means: 'Go to the build' },
  { keys: 'g l', means: 'Go to the log you saw last' },
  { keys: 'g m', means: 'Go to the monitor' },
  { keys: '/', means: 'Search' },
  { keys: 'space', means: 'Pause and resume' },
  { keys: '?', means: 'Show these keys' },
];

const SEQUENCE_MS = 1_000;

/**
 * @param {{go: (path: string) => void, logPath: () => string | undefined, help: () => void}} actions
 */
export function startKeyboard({ go, logPath, help }) {
  let goPressedAt = -Infinity;
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
      return;
    }
    const afterGo = event.timeStamp - goPressedAt < SEQUENCE_MS;
    goPressedAt = event.key === 'g' ? event.timeStamp : -Infinity;
    const path = afterGo ? pathOf(event.key, logPath) : undefined;
    if (path !== undefined) {
      go(path);
    } else if (event.key === '?') {
      help();
    } else if (event.key === '/') {
      actOn(event, 'search', (element) => element.focus());
    } else if (event.key === ' ' && !isControl(event.target)) {
      actOn(event, 'pause', (element) => element.click());
    }
  });
}

/**
 * Where a key after `g` leads.
 * @param {string} key
 * @param {() => string | undefined} logPath
 */
function pathOf(key, logPath) {
  switch (key) {
    case 'd':
      return '/';
    case 'b':
      return '/build';
    case 'l':
      return logPath();
    case 'm':
      return '/monitor';
    default:
      return undefined;
  }
}

/**
 * @param {KeyboardEvent} event
 * @param {string} id
 * @param {(element: HTMLElement) => void} act
 */
function actOn(event, id, act) {
  const element = document.getElementById(id);
  if (element !== null) {
    event.preventDefault();
    act(element);
  }
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && target.matches('input:not([type=checkbox]), textarea, select, dialog *');
}

/** @param {EventTarget | null} target */
function isControl(target) {
  return target instanceof HTMLElement && target.matches('button, a, input, summary');
}
