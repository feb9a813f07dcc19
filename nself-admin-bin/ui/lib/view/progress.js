// How a run, or a part of one, looks: a word, an icon and a tone, each enough by itself.

/** @import { ProgressStatus } from '../stores/build_progress.js' */
/** @import { IconName } from './icons.js' */
/** @import { Tone } from './status.js' */

/** @type {Record<ProgressStatus, {label: string, icon: IconName, tone: Tone}>} */
export const PROGRESS = {
  pending: { label: 'Waiting', icon: 'dot', tone: 'idle' },
  'in-progress': { label: 'Under way', icon: 'turning', tone: 'busy' },
  complete: { label: 'Complete', icon: 'check', tone: 'good' },
  failed: { label: 'Failed', icon: 'cross', tone: 'bad' },
  cancelled: { label: 'Cancelled', icon: 'square', tone: 'idle' },
};
