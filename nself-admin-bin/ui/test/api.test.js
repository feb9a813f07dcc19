// What of an answer over HTTP the page tells.

import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { answerOf, fetchAccount, fetchLog, RequestError } from '../lib/api.js';
import { cancelBuild } from '../lib/build_api.js';
import { signInWithPassword } from '../lib/sign_in_api.js';

/** Answers the next requests, and notes them. */
function answering(...answers) {
  const asked = [];
  mock.method(globalThis, 'fetch', async (path, init) => {
    asked.push([init.method, path, init.body]);
    const answer = answers.shift();
    if (answer instanceof Error) {
      throw answer;
    }
    return answer;
  });
  return asked;
}

const refused = (status, error, headers = {}) => new Response(JSON.stringify({ error }), { status, headers });

test('a refusal has the words of the server, and how long to wait', async () => {
  answering(refused(429, { code: 'rate_limited', message: 'too many' }, { 'Retry-After': '7' }));
  await assert.rejects(signInWithPassword('x'), (error) => {
    assert.ok(error instanceof RequestError);
    assert.deepEqual([error.status, error.message, error.retryAfterMs], [429, 'too many', 7_000]);
    return true;
  });
});

test('an answer of something between has a message, too', async () => {
  answering(new Response('<h1>Bad gateway</h1>', { status: 502 }), new Response('{}', { status: 503 }));
  await assert.rejects(fetchAccount(), { message: 'the server answered 502', status: 502, retryAfterMs: undefined });
  await assert.rejects(fetchAccount(), { message: 'the server answered 503' });
});

test('what is to be tried again at once is tried after a second, and nothing waits for more than an hour', async () => {
  for (const [told, ms] of [['0', 1_000], ['-5', 1_000], ['99999999999', 3_600_000]]) {
    answering(new Response('{}', { status: 503, headers: { 'Retry-After': told } }));
    assert.equal((await answerOf('/api/poll', { method: 'POST' })).retryAfterMs, ms);
  }
});

test('no answer is told as such', async () => {
  answering(new TypeError('failed to fetch'));
  await assert.rejects(fetchAccount(), { message: 'the server does not answer', status: 0 });
});

test('an answer that breaks off is none, and one in words of another is no success', async () => {
  const broken = () => new Response(new ReadableStream({
    pull: (body) => body.error(new TypeError('network error')),
  }), { headers: { 'Retry-After': '7' } });
  answering(broken(), broken(), new Response('<h1>Sign in to this network</h1>'));
  await assert.rejects(fetchLog('shop', 'web', {}), { name: 'Error', message: 'the server does not answer', status: 0 });
  assert.equal(await answerOf('/api/poll', { method: 'POST' }), undefined);
  await assert.rejects(fetchAccount(), { message: 'the server answered 200', status: 200 });
});

test('requests go where they should, and names are encoded', async () => {
  const asked = answering(new Response('{"accepted":true}', { status: 202 }), new Response(null, { status: 204 }));
  await cancelBuild('a/b');
  await signInWithPassword('pass');
  assert.deepEqual(asked, [['DELETE', '/api/build/a%2Fb', '{}'], ['POST', '/api/login', '{"password":"pass"}']]);
});
