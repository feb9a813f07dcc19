// Whether somebody sees the page: a tab that was hidden for half a minute is not looked at.

const HIDDEN_MS = 30_000;

/**
 * Tells when that changes; at first the page counts as seen.
 * @param {(isSeen: boolean) => void} tell
 * @returns {() => void} ends it
 */
export function whileSeen(tell) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isSeen = true;
  const change = (/** @type {boolean} */ now) => {
    if (now !== isSeen) {
      isSeen = now;
      tell(now);
    }
  };
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(() => change(false), HIDDEN_MS);
    } else {
      change(true);
    }
  };
  document.addEventListener('visibilitychange', look);
  look();
  return () => {
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', look);
  };
}
