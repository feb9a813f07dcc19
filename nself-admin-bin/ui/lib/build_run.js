// One build, folded from what it has said: its steps with their durations, its output, what it works on.

/** @import { BuildProgress, ProgressItem, ProgressStatus } from './stores/build_progress.js' */

/** The steps of a build, as the server names them. */
export const STEPS = [
  'Validating configuration',
  'Generating docker-compose.yml',
  'Creating networks',
  'Building images',
  'Pulling images',
  'Starting containers',
];
// The server keeps 4 MiB of all runs; more of one is of no use to a reader.
const KEPT_LINES = 20_000;

/**
 * Times in milliseconds since the run began; `undefined`: it has not. `items`: what it worked on, as it was
 * told last.
 * @typedef {{number: number, name: string, status: ProgressStatus, beganMs: number | undefined,
 *   endedMs: number | undefined, items: readonly ProgressItem[]}} Step
 */

/**
 * `beganAt` by the server's clock. `lines` grows in place; `dropped` counts those that are no longer there.
 * @typedef {{buildId: string, status: ProgressStatus, ended: boolean, progress: number, currentStep: number,
 *   steps: readonly Step[], beganAt: number, elapsedMs: number, message: string | undefined,
 *   error: string | undefined, lines: readonly string[], dropped: number}} Run
 */

/**
 * A run that has said nothing yet.
 * @param {string} buildId
 * @param {string} timestamp of its first event
 * @param {BuildProgress} first
 * @returns {Run}
 */
export function newRun(buildId, timestamp, { elapsedMs = 0, totalSteps }) {
  return {
    buildId,
    status: 'pending',
    ended: false,
    progress: 0,
    currentStep: 0,
    steps: stepsAhead(totalSteps),
    beganAt: Date.parse(timestamp) - elapsedMs,
    elapsedMs,
    message: undefined,
    error: undefined,
    lines: [],
    dropped: 0,
  };
}

/**
 * Steps that nobody has begun.
 * @param {number} count
 * @returns {Step[]}
 */
export function stepsAhead(count = STEPS.length) {
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    name: (count === STEPS.length ? STEPS[index] : undefined) ?? `Step ${index + 1}`,
    status: 'pending',
    beganMs: undefined,
    endedMs: undefined,
    items: [],
  }));
}

/**
 * The run after it has said this.
 * @param {Run} run
 * @param {string} timestamp
 * @param {BuildProgress} said
 * @returns {Run}
 */
export function withEvent(run, timestamp, said) {
  if (run.ended) {
    return run;
  }
  const { status, progress, currentStep, message, error, logs = [], logsDropped = 0 } = said;
  const elapsedMs = Math.max(run.elapsedMs, said.elapsedMs ?? Date.parse(timestamp) - run.beganAt);
  const lines = /** @type {string[]} */ (run.lines);
  lines.push(...logs);
  const surplus = lines.length > KEPT_LINES * 1.1 ? lines.length - KEPT_LINES : 0;
  return {
    ...run,
    status,
    ended: status !== 'pending' && status !== 'in-progress',
    progress,
    currentStep,
    steps: run.steps.map((step) => stepAfter(step, said, elapsedMs)),
    elapsedMs,
    message,
    error: error ?? run.error,
    // Who draws a list has seen this one whole: one that lost lines is another.
    lines: surplus > 0 ? lines.slice(surplus) : lines,
    dropped: run.dropped + surplus + logsDropped,
  };
}

/**
 * @param {Step} step
 * @param {BuildProgress} said
 * @param {number} elapsedMs
 * @returns {Step}
 */
function stepAfter(step, { currentStep, step: name, status, items }, elapsedMs) {
  if (step.number > currentStep) {
    return step;
  }
  if (step.number < currentStep) {
    // One that was never told took no time that anybody knows.
    return step.status === 'complete' ? step : { ...step, status: 'complete', endedMs: step.beganMs === undefined ? undefined : elapsedMs };
  }
  const ended = status !== 'pending' && status !== 'in-progress';
  return {
    ...step,
    name,
    status,
    beganMs: step.beganMs ?? elapsedMs,
    endedMs: ended ? elapsedMs : undefined,
    items: items ?? step.items,
  };
}

/**
 * How long a step has taken; `undefined` if nobody knows.
 * @param {Step} step
 * @param {number} nowMs since the run began
 */
export function durationOf({ beganMs, endedMs, status }, nowMs) {
  if (beganMs === undefined) {
    return undefined;
  }
  const until = endedMs ?? (status === 'in-progress' ? nowMs : undefined);
  return until === undefined ? undefined : Math.max(0, until - beganMs);
}

const LAYER = /^[0-9a-f]{12}$/;

/**
 * Items with those that are parts of them: layers come after their image, or after all images, if the one
 * that is being built needs them.
 * @param {readonly ProgressItem[]} items
 * @returns {{item: ProgressItem, parts: ProgressItem[]}[]}
 */
export function groupsOf(items) {
  /** @type {{item: ProgressItem, parts: ProgressItem[]}[]} */
  const groups = [];
  for (const item of items) {
    const before = groups.at(-1);
    const whole = before?.item.status === 'pending' ? groups.findLast((group) => group.item.status === 'in-progress') : before;
    if (LAYER.test(item.name) && whole !== undefined) {
      whole.parts.push(item);
    } else {
      groups.push({ item, parts: [] });
    }
  }
  return groups;
}

/**
 * The part that is done, 0 to 1; `undefined` of what has no bytes.
 * @param {ProgressItem} item
 * @param {readonly ProgressItem[]} parts
 */
export function partDone(item, parts) {
  if (item.totalBytes !== undefined) {
    return doneOf(item);
  }
  if (parts.length === 0) {
    return undefined;
  }
  return item.status === 'complete' ? 1 : parts.reduce((sum, part) => sum + doneOf(part), 0) / parts.length;
}

/** @param {ProgressItem} item */
function doneOf({ status, currentBytes = 0, totalBytes }) {
  return status === 'complete' ? 1 : totalBytes ? Math.min(1, currentBytes / totalBytes) : 0;
}
