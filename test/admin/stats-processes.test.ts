/** Figures of two processes on one store add up. A process that is killed takes along only what it had just counted. */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { engine as service } from '../support/realms.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { tenant } from './support.ts';

const publicUrl = 'http://127.0.0.1:3997';
const realm = tenant('acme');
const granted = 'client_credentials';

let redis: RedisServer;
let first: ServerProcess;
let second: ServerProcess;

beforeAll(async () => {
  redis = await startRedis({ appendonly: true });
  const shared = { store: redis.url, publicUrl, realms: [realm] };
  first = await startServerProcess(shared);
  second = await startServerProcess(shared);
});
afterAll(async () => {
  await first?.stop();
  await second?.stop();
  await redis?.stop();
});

async function tokens(server: ServerProcess, count: number): Promise<void> {
  const one = () => postForm(server.endpoint('acme', 'token'), { grant_type: granted }, { auth: service });
  const answers = await Promise.all(Array.from({ length: count }, one));
  expect(answers.every(({ status }) => status === 200)).toBe(true);
}

/** One token for all questions: each would count. */
let reader: Promise<string> | undefined;

async function readerToken(): Promise<string> {
  const form = { grant_type: granted, resource: 'urn:daypass:admin' };
  const auth = ['realm-admin', 'realm-admin-secret'] as const;
  return (await postForm(first.endpoint('acme', 'token'), form, { auth })).json.access_token;
}

async function issued(at: ServerProcess): Promise<number> {
  reader ??= readerToken();
  const response = await fetch(`${at.url}/admin/v1/realms/acme/stats?kinds=tokens.issued`, {
    headers: { Authorization: `Bearer ${await reader}` },
  });
  const { series } = (await response.json()) as { series: { total: number }[] };
  return series[0]?.total ?? 0;
}

it('adds up what both have counted at once, and loses nothing at the end of one', async () => {
  await Promise.all([tokens(first, 30), tokens(second, 40)]);
  await Promise.all([issued(first), issued(second)]);
  expect(await issued(first)).toBe(71);

  await tokens(second, 5);
  // Nobody asks the second: it writes by itself.
  while ((await issued(first)) < 76) await pause(100);
  await second.kill9();

  expect(await issued(first)).toBe(76);
}, 30_000);
