// Whether the page is seen, with a document and a clock of the test's own.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { whileSeen } from '../lib/view/seen.js';

test('a page counts as unseen after half a minute of being hidden, and as seen at once', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const tab = new EventTarget();
  tab.hidden = false;
  globalThis.document = tab;
  const hide = (hidden) => {
    tab.hidden = hidden;
    tab.dispatchEvent(new Event('visibilitychange'));
  };
  const told = [];
  const end = whileSeen((isSeen) => told.push(isSeen));
  hide(true);
  mock.timers.tick(29_999);
  hide(false);
  hide(true);
  mock.timers.tick(29_999);
  assert.deepEqual(told, []);
  mock.timers.tick(1);
  assert.deepEqual(told, [false]);
  hide(false);
  assert.deepEqual(told, [false, true]);
  hide(true);
  end();
  mock.timers.tick(60_000);
  hide(false);
  assert.deepEqual(told, [false, true]);
  delete globalThis.document;
  mock.timers.reset();
});
