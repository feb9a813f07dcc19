// Cursors, filters, close codes and frames: the values of the protocol.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceOf } from '../lib/close_code.js';
import { formatCursor, later, parseCursor } from '../lib/cursor.js';
import { covers } from '../lib/filter.js';
import { InvalidFrame, parseFrame, subscribe, unsubscribe } from '../lib/frames.js';

test('a cursor comes back as it was written', () => {
  const cursor = { epoch: 'aB3_-x9Z', seq: 4182 };
  assert.equal(formatCursor(cursor), 'aB3_-x9Z.4182');
  assert.deepEqual(parseCursor('aB3_-x9Z.4182'), cursor);
});

test('what is no cursor is refused', () => {
  for (const text of ['', 'short.1', 'abcdefgh', 'abcdefgh.', 'abcdefgh.-1', 'abcdefgh.1x', 'abcdefgh.9007199254740993']) {
    assert.equal(parseCursor(text), undefined, text);
  }
});

test('the later cursor is the higher of one epoch, or the one of the new epoch', () => {
  const held = { epoch: 'abcdefgh', seq: 9 };
  assert.equal(later(held, { epoch: 'abcdefgh', seq: 4 }), held);
  assert.equal(later(held, { epoch: 'abcdefgh', seq: 12 }).seq, 12);
  assert.deepEqual(later(held, { epoch: 'hgfedcba', seq: 1 }), { epoch: 'hgfedcba', seq: 1 });
});

test('a filter without types or keys lets all of them through', () => {
  assert.ok(covers([{}], 'service:status', 'web'));
  assert.ok(covers([{ types: ['logs:stream'] }], 'logs:stream', 'web'));
  assert.ok(!covers([{ types: ['logs:stream'], keys: ['db'] }], 'logs:stream', 'web'));
  assert.ok(!covers([], 'logs:stream', 'web'));
});

test('close codes advise by their range', () => {
  assert.equal(adviceOf(1000), 'stay');
  for (const code of [1001, 1005, 1006, 1011, 1012, 3000, 4000, 4408, 4429, 4499, 5000]) {
    assert.equal(adviceOf(code), 'return', String(code));
  }
  for (const code of [1002, 1003, 1007, 1009, 4500, 4501, 4503, 4999]) {
    assert.equal(adviceOf(code), 'stop', String(code));
  }
});

test('one event and a batch are read alike', () => {
  const event = { type: 'a:b', seq: 1, timestamp: 't', data: {} };
  const one = parseFrame(JSON.stringify({ ...event, room: 'shop' }));
  const batch = parseFrame(JSON.stringify({ type: 'batch', room: 'shop', events: [event] }));
  assert.equal(one?.type, 'event');
  assert.deepEqual(batch, { type: 'event', room: 'shop', events: [event] });
});

test('a frame of unknown type is skipped, a broken one is an error that names the field', () => {
  assert.equal(parseFrame('{"type":"later:thing"}'), undefined);
  assert.equal(parseFrame('{"type":"toString"}'), undefined);
  for (const [text, message] of /** @type {const} */ ([
    ['{', /not JSON/],
    ['[]', /not an object/],
    ['{"type":"ready","room":"shop"}', /data of ready .* `cursor`/],
    ['{"type":"batch","room":"shop","events":[{}]}', /an event in batch .* `type`/],
    ['{"type":"a:b","seq":1,"timestamp":"t"}', /`room`/],
  ])) {
    assert.throws(() => parseFrame(text), (error) => error instanceof InvalidFrame && message.test(error.message));
  }
});

test('a subscribe has a cursor only if there is one', () => {
  const filters = [{ types: ['logs:stream'], keys: ['web'], tail: 5 }];
  assert.deepEqual(JSON.parse(subscribe(7, 'shop', filters, undefined)), {
    type: 'subscribe', id: 7, room: 'shop', data: { filters },
  });
  const since = JSON.parse(subscribe(7, 'shop', filters, { epoch: 'abcdefgh', seq: 3 })).data.since;
  assert.equal(since, 'abcdefgh.3');
});

test('an unsubscribe names the filter by types and keys', () => {
  const filter = { types: ['logs:stream'], keys: ['web'], tail: 5 };
  assert.deepEqual(JSON.parse(unsubscribe(8, 'shop', filter)).data, { types: ['logs:stream'], keys: ['web'] });
  assert.equal(JSON.parse(unsubscribe(8, 'shop')).data, undefined);
});
