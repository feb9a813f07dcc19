// How the status of a service looks: a word, an icon and a tone, each enough by itself.

/** @import { Status } from '../stores/service_status.js' */
/** @import { IconName } from './icons.js' */

/** @typedef {'good' | 'bad' | 'busy' | 'idle'} Tone */

/** @type {Record<Status, {label: string, icon: IconName, tone: Tone, up: boolean}>} `up`: it has a process */
export const STATUS = {
  running: { label: 'Running', icon: 'check', tone: 'good', up: true },
  unhealthy: { label: 'Unhealthy', icon: 'warning', tone: 'bad', up: true },
  failed: { label: 'Failed', icon: 'cross', tone: 'bad', up: false },
  starting: { label: 'Starting', icon: 'turning', tone: 'busy', up: true },
  restarting: { label: 'Restarting', icon: 'turning', tone: 'busy', up: true },
  stopping: { label: 'Stopping', icon: 'turning', tone: 'busy', up: true },
  paused: { label: 'Paused', icon: 'pause', tone: 'idle', up: true },
  stopped: { label: 'Stopped', icon: 'square', tone: 'idle', up: false },
  created: { label: 'Created', icon: 'dot', tone: 'idle', up: false },
  removed: { label: 'Removed', icon: 'dot', tone: 'idle', up: false },
};
