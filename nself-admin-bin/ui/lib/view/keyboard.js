// Keys for the whole page. They rest while somebody types, and act only where there is something to act
// on.

/** @typedef {{keys: string, means: string}} Shortcut */

/** @type {readonly Shortcut[]} */
export const SHORTCUTS = [
  { keys: 'g d', means: 'Go to the dashboard' },
  { keys: '/', means: 'Search in the log' },
  { keys: 'space', means: 'Pause and resume the log' },
  { keys: '?', means: 'Show these keys' },
];

const SEQUENCE_MS = 1_000;

/** @param {{go: (path: string) => void, help: () => void}} actions */
export function startKeyboard({ go, help }) {
  let goPressedAt = -Infinity;
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
      return;
    }
    const afterGo = event.timeStamp - goPressedAt < SEQUENCE_MS;
    goPressedAt = event.key === 'g' ? event.timeStamp : -Infinity;
    if (event.key === 'd' && afterGo) {
      go('/');
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
  return target instanceof HTMLElement && target.matches('input, textarea, select, dialog *');
}

/** @param {EventTarget | null} target */
function isControl(target) {
  return target instanceof HTMLElement && target.matches('button, a');
}
