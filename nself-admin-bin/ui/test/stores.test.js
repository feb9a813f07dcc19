import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { RequestError } from '../lib/api.js';
import { Stores } from '../lib/stores.js';
import { AccountStore } from '../lib/stores/account.js';
import { ActionsStore } from '../lib/stores/actions.js';
import { ConnectionStore } from '../lib/stores/connection.js';
import { ContainerStatsStore } from '../lib/stores/container_stats.js';
import { DockerStatsStore, isCurrent, KEPT_MS, KEPT_POINTS } from '../lib/stores/docker_stats.js';
import { EngineStore } from '../lib/stores/engine.js';
import { LatencyStore } from '../lib/stores/latency.js';
import { NotificationsStore } from '../lib/stores/notifications.js';
import { PresenceStore } from '../lib/stores/presence.js';
import { RoomsStore } from '../lib/stores/rooms.js';
import { ServiceStatusStore } from '../lib/stores/service_status.js';
import { SignInStore } from '../lib/stores/sign_in.js';

const START = Date.parse('2026-01-31T12:00:00.000Z');
let seq = 0;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const event = (type, data, ms = 0) => {
  seq += 1;
  return { type, seq, timestamp: new Date(START + ms).toISOString(), data };
};
const events = (room, ...list) => ({ kind: 'events', room, events: list, live: true });
const snapshot = (room, filters, ...list) => ({ kind: 'snapshot', room, filters, events: list, reset: false });
const status = (service, word = 'running') => event('service:status', { service, status: word });
const STATUS = [{ types: ['service:status'] }];
const STATS = [{ types: ['docker:stats'], tail: 1 }];

test('a snapshot is the same object until something changes', () => {
  const store = new ServiceStatusStore();
  store.handle(snapshot('shop', STATUS, status('web')));
  const held = store.getSnapshot();
  assert.equal(store.getSnapshot(), held);
  let told = 0;
  const end = store.subscribe(() => (told += 1));
  store.handle(events('shop', event('docker:stats', { containerId: 'c', stats: {} })));
  assert.equal(store.getSnapshot(), held);
  store.handle(events('shop', status('web', 'stopped')));
  assert.notEqual(store.getSnapshot(), held);
  end();
  store.handle(events('shop', status('web')));
  assert.equal(told, 1);
});

test('services that a snapshot does not have are gone, those it does not cover stay', () => {
  const store = new ServiceStatusStore();
  store.handle(snapshot('shop', STATUS, status('web'), status('db')));
  store.handle(snapshot('shop', [{ types: ['logs:stream'] }]));
  store.handle(snapshot('shop', [{ types: ['service:status'], keys: ['db'] }]));
  assert.deepEqual([...store.getSnapshot().get('shop').keys()], ['web']);
  store.handle(snapshot('shop', STATUS, status('api')));
  assert.deepEqual([...store.getSnapshot().get('shop').keys()], ['api']);
});

test('a removed service goes, and with its room all of them', () => {
  const store = new ServiceStatusStore();
  store.handle(snapshot('shop', STATUS, status('web'), status('db')));
  store.handle(events('shop', status('web', 'removed')));
  assert.deepEqual([...store.getSnapshot().get('shop').keys()], ['db']);
  store.handle({ kind: 'closed', room: 'shop' });
  assert.equal(store.getSnapshot().has('shop'), false);
});

test('an empty room is known by its snapshot', () => {
  const store = new ServiceStatusStore();
  assert.equal(store.getSnapshot().get('shop'), undefined);
  store.handle(snapshot('shop', STATUS));
  assert.equal(store.getSnapshot().get('shop').size, 0);
});

test('rooms are by name, and those outside any project come last', () => {
  const store = new RoomsStore();
  const room = (name, state = 'open') => event('room:status', { room: name, state });
  assert.equal(store.getSnapshot().known, false);
  store.handle(snapshot('system', [{ types: ['room:status'] }], room('standalone'), room('zoo'), room('shop')));
  assert.deepEqual(store.getSnapshot().open.map((held) => held.room), ['shop', 'zoo', 'standalone']);
  store.handle(events('system', room('zoo', 'closed')));
  store.handle(events('shop', room('not-in-system')));
  assert.deepEqual(store.getSnapshot().open.map((held) => held.room), ['shop', 'standalone']);
});

test('the engine is away when offline or connecting after it, not at the very first', () => {
  const store = new EngineStore();
  const tell = (word, message) => {
    store.handle(events('system', event('engine:status', { engine: 'e', status: word, message })));
    return store.getSnapshot();
  };
  assert.equal(tell('connecting').away, false);
  assert.deepEqual([tell('offline', 'no socket').away, store.getSnapshot().message], [true, 'no socket']);
  assert.deepEqual([tell('connecting').away, store.getSnapshot().message], [true, 'no socket']);
  assert.deepEqual([tell('online').away, store.getSnapshot().message], [false, undefined]);
  assert.equal(tell('connecting').away, true);
});

const sample = (containerId, ms, cpu, memory) =>
  event('docker:stats', { containerId, containerName: `n-${containerId}`, service: 'web', stats: { cpu, memory } }, ms);
const pointsOf = (store) => store.getSnapshot().get('shop').get('web').points;

test('stats keep the newest samples, and what was not measured is absent', () => {
  const store = new DockerStatsStore();
  store.handle(events('shop', sample('a', 0, undefined, 5)));
  assert.deepEqual(pointsOf(store), [{ at: START, cpu: undefined, memory: 5, memoryLimit: undefined }]);
  for (let at = 1; at <= KEPT_POINTS; at += 1) {
    store.handle(events('shop', sample('a', at * 1_000, at, 5)));
  }
  assert.equal(pointsOf(store).length, KEPT_POINTS);
  assert.equal(pointsOf(store)[0].cpu, 1);
});

test('replicas are summed, and one that fell silent no longer counts', () => {
  const store = new DockerStatsStore();
  store.handle(events('shop', sample('a', 0, 10, 100), sample('b', 100, 5, 50)));
  assert.deepEqual(pointsOf(store).map(({ cpu, memory }) => [cpu, memory]), [[15, 150]]);
  store.handle(events('shop', sample('a', 6_000, 10, 100)));
  assert.equal(pointsOf(store).at(-1).cpu, 10);
});

test('a sample says how it is for five seconds, and a tick of the clock', () => {
  assert.deepEqual([5_999, 6_000].map((ms) => isCurrent({ at: 0 }, ms)), [true, false]);
});

test('a snapshot replaces the stats', () => {
  const store = new DockerStatsStore();
  store.handle(events('shop', sample('a', 0, 1, 1), sample('a', 1_000, 2, 2)));
  store.handle(snapshot('shop', STATUS));
  assert.equal(pointsOf(store).length, 2);
  store.handle(snapshot('shop', STATS, sample('a', 2_000, 3, 3)));
  assert.deepEqual(pointsOf(store).map(({ cpu }) => cpu), [3]);
});

test('the connection knows since when it is as it is, and since when nothing was heard', () => {
  const store = new ConnectionStore(100);
  const tell = (state, now) => {
    store.handleState(state, now, 1_000);
    const { state: name, color, since, lostAt, nextAttemptAt } = store.getSnapshot();
    return [name, color, since, lostAt, nextAttemptAt];
  };
  assert.deepEqual(tell({ name: 'live' }, 200), ['live', 'green', 200, undefined, undefined]);
  const away = (name, nextAttemptAt) => ({ name, attempt: 1, nextAttemptAt });
  assert.deepEqual(tell(away('reconnecting', 5), 300), ['reconnecting', 'yellow', 300, 300, 1_005]);
  assert.deepEqual(tell(away('reconnecting', undefined), 400), ['reconnecting', 'yellow', 300, 300, undefined]);
  assert.deepEqual(tell(away('unreachable', 9), 500), ['unreachable', 'red', 500, 300, 1_009]);
  assert.deepEqual(tell({ name: 'closed', reason: 'r' }, 600), ['closed', 'red', 600, 300, undefined]);
});

test('latency is the median of the last 50, by the clock of the fastest ping', () => {
  const store = new LatencyStore();
  const at = (ms) => new Date(START + ms).toISOString();
  store.handlePainted([at(0)], START + 10);
  assert.equal(store.getSnapshot().medianMs, undefined, 'without a ping nothing is known');
  store.handlePong(at(1_000), START, 20);
  store.handlePong(at(1_000), START + 1, 2);
  assert.deepEqual([store.getSnapshot().offsetMs, store.getSnapshot().errorMs], [1_000, 1]);
  store.handlePainted(Array.from({ length: 50 }, () => at(0)), START);
  assert.equal(store.getSnapshot().medianMs, 1_000);
  store.handlePainted([at(990), at(980), at(970)], START);
  assert.equal(store.getSnapshot().medianMs, 1_000);
  store.handlePainted(Array.from({ length: 50 }, (_, index) => at(950 + index)), START);
  assert.equal(store.getSnapshot().medianMs, 25.5);
});

test('the server’s time stays right when the computer has slept, which not every clock notices', () => {
  // An open one would keep this process alive.
  globalThis.BroadcastChannel = class {};
  const stores = new Stores();
  let slept = 0;
  mock.method(Date, 'now', () => START + slept);
  mock.method(performance, 'now', () => 5_000);
  const serverNow = () => {
    stores.handle({ kind: 'welcome', identity: { session: 's', secret: 'x' } });
    stores.handle({ kind: 'pong', serverTime: new Date(START + slept + 700).toISOString(), roundTripMs: 0 });
    stores.clock.changed();
    return stores.serverNow;
  };
  mock.method(globalThis, 'fetch', async () => new Response('', { status: 503 }));
  assert.equal(serverNow(), START + 700);
  slept = 3_600_000;
  assert.equal(serverNow(), START + slept + 700);
  stores.handle({ kind: 'state', state: { name: 'reconnecting', attempt: 1, nextAttemptAt: 6_000 } });
  const { since, nextAttemptAt } = stores.connection.getSnapshot();
  assert.deepEqual([since, nextAttemptAt], [START + slept, START + slept + 1_000]);
  mock.restoreAll();
});

test('who is signed in is asked for at each welcome, and if there was none, while it polls', async () => {
  let asked = 0;
  const store = new AccountStore(async () => {
    asked += 1;
    return { user: 'u' };
  });
  const askedBy = async (event) => {
    asked = 0;
    store.handle(event);
    await turn();
    return asked;
  };
  const state = (name) => ({ kind: 'state', state: { name } });
  const welcome = { kind: 'welcome', identity: { session: 's', secret: 'x' } };
  assert.deepEqual([await askedBy(state('unreachable')), await askedBy(state('polling'))], [0, 1]);
  assert.equal(store.getSnapshot().user, 'u');
  assert.deepEqual([await askedBy(state('polling')), await askedBy(welcome)], [0, 1]);
});

test('an action shows its first status until the engine speaks', async () => {
  const store = new ActionsStore(async () => undefined);
  const asked = store.ask('shop', 'web', 'stop');
  assert.equal(store.of('shop', 'web').status, 'stopping');
  store.handle(events('shop', status('db')));
  assert.equal(store.of('shop', 'web').status, 'stopping');
  store.handle(events('shop', status('web', 'stopping')));
  assert.equal(store.of('shop', 'web'), undefined);
  await asked;
});

test('a refused action leaves its reason until the next status', async () => {
  const store = new ActionsStore(async () => {
    throw new RequestError('another action runs');
  });
  await store.ask('shop', 'web', 'start');
  assert.deepEqual(store.of('shop', 'web'), { status: undefined, refusal: 'Could not start: another action runs' });
  store.handle(events('shop', status('web')));
  assert.equal(store.of('shop', 'web'), undefined);
});

test('only what came since the page was opened is announced', () => {
  const store = new NotificationsStore();
  const notification = (id) => event('notification', { id, severity: 'info', title: id });
  store.handle(snapshot('system', [{}], notification('old')));
  store.handle(events('system', notification('new'), notification('new')));
  const ids = () => store.getSnapshot().announced.map(({ id }) => id);
  assert.deepEqual([ids(), store.getSnapshot().unread], [['new'], 1]);
  assert.deepEqual(store.getSnapshot().all.map((held) => held.notification.id), ['new', 'old']);
  store.handle(snapshot('system', [{}], notification('old')));
  assert.deepEqual(ids(), ['new'], 'what is known is no news');
  store.handle({ ...snapshot('system', [{}], notification('missed')), reset: true });
  assert.deepEqual(ids(), ['new', 'missed'], 'what came while it was away is');
  store.dismiss('new');
  store.read();
  assert.deepEqual([ids(), store.getSnapshot().unread], [['missed'], 0]);
});

test('what this page alone knows of is announced, too', () => {
  const store = new NotificationsStore();
  store.handle({ kind: 'error', error: { code: 'forbidden', message: 'no' } }, 't1');
  store.warn('copy', 'Nothing was copied', 'why', 't2');
  const { announced, all } = store.getSnapshot();
  assert.deepEqual(announced.map(({ severity, title, body }) => [severity, title, body]), [
    ['warning', 'Trouble on the connection', 'no'],
    ['warning', 'Nothing was copied', 'why'],
  ]);
  assert.deepEqual(all.map(({ at }) => at), ['t2', 't1']);
});

test('the last 100 notifications are kept', () => {
  const store = new NotificationsStore();
  for (let id = 0; id < 120; id += 1) {
    store.handle(events('system', event('notification', { id: String(id), severity: 'info', title: 't' })));
  }
  const { all, announced } = store.getSnapshot();
  assert.deepEqual([all.length, all[0].notification.id, all.at(-1).notification.id], [100, '119', '20']);
  assert.equal(announced.length, 4);
});

test('who is here are the others, until they leave', () => {
  const store = new PresenceStore();
  const present = (sessionId, state, page = '/') => event('presence', { sessionId, user: 'u', state, page });
  store.handle({ kind: 'welcome', identity: { session: 'own', secret: 's' } });
  store.handle(snapshot('system', [{ types: ['presence'] }], present('own', 'join'), present('a', 'join'), present('b', 'join')));
  store.handle(events('system', present('a', 'update', '/monitor'), present('b', 'leave')));
  assert.deepEqual(store.getSnapshot().map(({ sessionId, page }) => [sessionId, page]), [['a', '/monitor']]);
  store.handle(snapshot('system', [{ types: ['presence'] }]));
  assert.deepEqual(store.getSnapshot(), []);
});

const expiring = (ms) => ({
  kind: 'expiring', expiring: { expiresAt: new Date(START + ms).toISOString(), secondsLeft: 60, renewable: true },
});
const until = (ms) => ({ expiresAt: new Date(START + ms).toISOString() });
/** A tab's end of what all tabs hear. */
const tab = (others = []) => ({ postMessage: (data) => others.forEach((other) => other.onmessage({ data })) });

test('an ending sign-in is told until it is renewed', async () => {
  let answer = async () => {
    throw new RequestError('the server does not answer');
  };
  const store = new SignInStore(() => answer(), tab());
  store.handle(expiring(60_000), 1_000);
  assert.equal(store.getSnapshot().endsAt, 61_000);
  await store.renew();
  assert.equal(store.getSnapshot().failure, 'the server does not answer');
  answer = async () => until(90_000);
  const renewing = store.renew();
  assert.equal(store.getSnapshot().asking, true);
  await renewing;
  assert.equal(store.getSnapshot(), undefined);
  store.handle(expiring(60_000), 1_000);
  store.handle({ kind: 'state', state: { name: 'signedOut', reason: 'r' } }, 2_000);
  assert.equal(store.getSnapshot(), undefined);
});

test('a later end that is told before the answer to a renewal stays', async () => {
  let answer;
  const store = new SignInStore(() => new Promise((resolve) => (answer = resolve)), tab());
  store.handle(expiring(60_000), 1_000);
  const renewing = store.renew();
  store.handle(expiring(70_000), 11_000);
  answer(until(70_000));
  await renewing;
  assert.deepEqual([store.getSnapshot().endsAt, store.getSnapshot().asking], [71_000, false]);
});

test('a sign-in that one tab renews is renewed in all of them', async () => {
  const others = [tab(), tab()];
  const store = new SignInStore(async () => until(90_000), tab(others));
  const refuse = async () => {
    throw new RequestError('too late');
  };
  const [other, later] = others.map((channel) => new SignInStore(refuse, channel));
  [store, other].forEach((held) => held.handle(expiring(60_000), 0));
  later.handle(expiring(90_000), 0);
  await Promise.all([store.renew(), other.renew()]);
  assert.equal(other.getSnapshot(), undefined, 'whatever came of its own attempt');
  assert.equal(later.getSnapshot().endsAt, 60_000, 'of the new end it was told already');
});

const usage = (ms, cpu, rx, id = 'a') => event('docker:stats', {
  containerId: id, containerName: `n-${id}`, service: 'web', stats: { cpu, network: { rx, tx: 0 } },
}, ms);
const measures = (store, fields = ['cpu', 'rx']) =>
  store.getSnapshot()[0].measures.map((measure) => fields.map((field) => measure[field]));

test('counters become rates, and after a hole or a restart there is none', () => {
  const store = new ContainerStatsStore();
  store.handle(events('shop', usage(0, 1, 100), usage(1_000, 2, 300), usage(3_000, 3, 500), usage(4_000, 4, 50), usage(20_000, 5, 90)));
  assert.deepEqual(measures(store), [[1, undefined], [2, 200], [3, 100], [4, undefined], [5, undefined]]);
});

test('samples are kept for 15 minutes, over visits, and a reset replaces them', () => {
  const store = new ContainerStatsStore();
  for (let second = 0; second < 1_000; second += 1) {
    store.handle(events('shop', usage(second * 1_000, second, 0)));
  }
  const kept = measures(store, ['cpu']);
  assert.ok(kept.length >= 900 && kept.length <= 932, String(kept.length));
  store.handle(snapshot('shop', STATS, usage(998_000, 998, 0), usage(1_000_000, 1_000, 0)));
  assert.equal(measures(store, ['cpu']).length, kept.length + 1, 'what is held is not told twice');
  store.handle({ ...snapshot('shop', STATS, usage(1_001_000, 1, 0)), reset: true });
  assert.equal(measures(store).length, 1);
  store.handle({ kind: 'closed', room: 'shop' });
  assert.deepEqual(store.getSnapshot(), []);
});

test('a container that was silent for 15 minutes is forgotten when another one comes', () => {
  const [containers, services] = [new ContainerStatsStore(), new DockerStatsStore()];
  const stats = (room, name, ms) => {
    const sample = event('docker:stats', { containerId: name, containerName: name, stats: {} }, ms);
    [containers, services].forEach((store) => store.handle(events(room, sample)));
  };
  const held = () => [
    containers.getSnapshot().map(({ name }) => name).join(),
    [...services.getSnapshot().values()].flatMap((room) => [...room.keys()]).join(),
  ];
  stats('standalone', 'a', 0);
  stats('shop', 'b', 1_000);
  stats('shop', 'c', KEPT_MS);
  assert.deepEqual(held(), ['a,b,c', 'a,b,c']);
  stats('shop', 'd', KEPT_MS + 1);
  assert.deepEqual(held(), ['b,c,d', 'b,c,d']);
});

test('what a room used is forgotten with the room, also while nobody reads it', () => {
  for (const store of [new ContainerStatsStore(), new DockerStatsStore()]) {
    const of = () => JSON.stringify(store.getSnapshot().map?.(({ room }) => room) ?? [...store.getSnapshot().keys()]);
    store.handle(events('shop', usage(0, 1, 1)));
    store.handle(events('zoo', usage(0, 1, 1, 'b')));
    const told = (state) => store.handle(events('system', event('room:status', { room: 'shop', state })));
    told('open');
    assert.equal(of(), '["shop","zoo"]');
    told('closed');
    assert.equal(of(), '["zoo"]');
    store.handle({ kind: 'closed', room: 'zoo' });
    assert.equal(of(), '[]');
  }
});
