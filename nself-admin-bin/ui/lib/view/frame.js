// One turn of drawing per animation frame for all views together, and what wants to know when the screen
// shows it.

/** @type {Set<() => void>} */
const asked = new Set();
/** @type {Set<(now: number) => void>} */
const whenPainted = new Set();
let scheduled = false;
const afterFrame = new MessageChannel();

/**
 * @param {() => void} draw
 * @returns {{ask: () => void, cancel: () => void}} asking many times in a frame draws once
 */
export function nextFrame(draw) {
  return {
    ask: () => {
      asked.add(draw);
      schedule();
    },
    cancel: () => asked.delete(draw),
  };
}

/**
 * Calls back once the next frame is on the screen.
 * @param {(now: number) => void} told in milliseconds since 1970
 */
export function afterPaint(told) {
  whenPainted.add(told);
  schedule();
}

function schedule() {
  if (!scheduled) {
    scheduled = true;
    requestAnimationFrame(turn);
  }
}

function turn() {
  scheduled = false;
  const draws = [...asked];
  asked.clear();
  for (const draw of draws) {
    draw();
  }
  // The task after the frame's own is the first that runs when it has been painted.
  afterFrame.port1.postMessage(undefined);
}

afterFrame.port2.onmessage = () => {
  const told = [...whenPainted];
  whenPainted.clear();
  const now = Date.now();
  for (const tell of told) {
    tell(now);
  }
};
