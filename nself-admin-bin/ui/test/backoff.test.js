import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from '../lib/backoff.js';

test('delays double up to 16 s and stay there', () => {
  const backoff = new Backoff(() => 0.2);
  const delays = Array.from({ length: 7 }, () => Math.round(backoff.nextMs()));
  assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000]);
});

test('the random factor lies from 0.8 to 1.8', () => {
  assert.equal(new Backoff(() => 0).nextMs(), 800);
  assert.ok(Math.abs(new Backoff(() => 0.999_999).nextMs() - 1_800) < 0.01);
});

test('reset begins with the shortest delay', () => {
  const backoff = new Backoff(() => 0.2);
  backoff.nextMs();
  backoff.nextMs();
  backoff.reset();
  assert.equal(backoff.nextMs(), 1_000);
});
