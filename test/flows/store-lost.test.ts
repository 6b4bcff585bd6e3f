/** The store is emptied, or its file taken away, under a running server: readiness and the log say so, and what to do. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { postForm } from '../support/http.ts';
import { openRedis } from '../support/raw-store.ts';
import { acme, george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function start(store?: string) {
  const log: string[] = [];
  const env = { DAYPASS_LOG: 'info' };
  const server = await startTestServer({ realms: [acme()], log, env, ...(store && { store }) });
  cleanups.push(() => server.stop());
  return { server, log };
}

async function readiness({ adminUrl }: TestServer) {
  const response = await fetch(`${adminUrl}/health/ready`);
  return response.json();
}

const complaints = (log: readonly string[], trouble: string) =>
  log.map((line) => JSON.parse(line)).filter((line) => line.trouble === trouble);

const metrics = async ({ adminUrl }: TestServer) => (await fetch(`${adminUrl}/metrics`)).text();
const login = async (server: TestServer) => (await postForm(server.endpoint('acme', 'token'), george)).status;
const up = { status: 'up', store: 'up' };
const down = (reason: string) => ({ status: 'down', store: 'down', reason });

describe('a Redis that is emptied', () => {
  it('is not ready until it is filled again, by the command that the log names', async () => {
    const engine = await openRedis();
    cleanups.push(() => engine.stop());
    const { server, log } = await start(engine.url);
    const folder = await mkdtemp(join(tmpdir(), 'daypass-lost-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, 'realms'));
    await writeFile(join(folder, 'realms', 'acme.yaml'), JSON.stringify(acme()));
    const redis = new Redis(engine.url);
    cleanups.push(() => redis.disconnect());
    await expect.poll(() => readiness(server)).toEqual(up);

    await redis.flushall();

    await expect.poll(() => readiness(server)).toEqual(down('store-emptied'));
    await expect.poll(() => readiness(server), { interval: 400 }).toEqual(down('store-emptied'));
    expect(await metrics(server)).toContain('daypass_store_failures_total{reason="store-emptied"}');
    const told = complaints(log, 'store-emptied');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ level: 50, msg: expect.stringContaining('daypass apply') });

    const env = { DAYPASS_STORE: engine.url, DAYPASS_KEY: Buffer.alloc(32, 7).toString('base64') };
    await runCommand(['apply', folder], { env });

    await expect.poll(() => readiness(server)).toEqual(up);
    await expect.poll(() => login(server), { timeout: 10_000 }).toBe(200);
    expect(log.join('')).toContain('the store can be used again');
  });

  it('is ready when its last realm was taken out by an operator', async () => {
    const engine = await openRedis();
    cleanups.push(() => engine.stop());
    const { server } = await start(engine.url);
    await expect.poll(() => readiness(server)).toEqual(up);
    const { registry } = server.services;

    await registry.updateRealm('acme', (realm) => ({ ...realm, enabled: false }));
    await registry.removeRealm('acme');

    const probes: unknown[] = [];
    await expect.poll(async () => probes.push(await readiness(server)), { interval: 400 }).toBe(4);
    expect(probes).toEqual([up, up, up, up]);
  });
});

describe('a SQLite file under a running server', () => {
  it('that was deleted, is noticed while nothing is lost yet', async () => {
    const { server, log } = await start();
    await expect.poll(() => readiness(server)).toEqual(up);

    await rename(join(server.folder, 'daypass.db'), join(server.folder, 'away.db'));

    await expect.poll(() => readiness(server)).toEqual(down('file-replaced'));
    const told = complaints(log, 'file-replaced');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ level: 50, msg: expect.stringContaining('Stop the server') });

    await rename(join(server.folder, 'away.db'), join(server.folder, 'daypass.db'));
    await expect.poll(() => readiness(server)).toEqual(up);
    expect(await login(server)).toBe(200);
  });

  it('that was replaced by another, is noticed', async () => {
    const { server } = await start();
    await expect.poll(() => readiness(server)).toEqual(up);

    await writeFile(join(server.folder, 'other.db'), '');
    await rename(join(server.folder, 'other.db'), join(server.folder, 'daypass.db'));

    await expect.poll(() => readiness(server)).toEqual(down('file-replaced'));
  });
});
