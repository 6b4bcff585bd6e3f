/** Copies of the audit log: by webhook, signed and tried again, over a restart too, and by syslog. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/audit/audit-event.ts';
import { postForm } from '../support/http.ts';
import { openOperator } from '../support/operator.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type Engine, engines, openEmbedded } from '../support/raw-store.ts';
import { george } from '../support/realms.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { auditedRealm, head } from './audit-support.ts';

const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;
const realms = [head, auditedRealm()];
const failedLogin = (server: ServerProcess) =>
  postForm(server.endpoint('acme', 'token'), { ...george, password: 'wrong_password' });
const idOf = async (answer: Promise<{ readonly headers: Headers }>) =>
  (await answer).headers.get('x-request-id') ?? 'none';

describe.each(engines)('the webhook of two processes on %s', (_name, open) => {
  let engine: Engine;
  let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
  let servers: readonly ServerProcess[];

  beforeAll(async () => {
    engine = await open();
    receiver = await startWebhookReceiver(secret);
    const env = {
      DAYPASS_AUDIT_WEBHOOK: receiver.url,
      DAYPASS_AUDIT_WEBHOOK_SECRET: secret,
      DAYPASS_ALLOW_PRIVATE_FETCH: '1',
    };
    const shared = { store: engine.url, publicUrl: 'http://127.0.0.1:3999', realms, env };
    servers = [await startServerProcess(shared), await startServerProcess(shared)];
  });
  afterAll(async () => {
    for (const server of servers ?? []) await server.stop();
    await receiver?.stop();
    await engine?.stop();
  });

  const arrived = () => receiver.posts.flatMap(({ body }) => body.data.events as AuditEvent[]);
  /** Which requests have no event in the store yet. */
  async function unwritten(requestIds: readonly string[]): Promise<readonly string[]> {
    const operator = await openOperator(engine.url);
    const { events } = await operator.audit.search('acme', { kind: 'login' }, { limit: 200 });
    await operator.close();
    return requestIds.filter((id) => !events.some(({ requestId }) => requestId === id));
  }
  const waitFor = (requestIds: readonly string[]) =>
    expect
      .poll(() => requestIds.filter((id) => !arrived().some(({ requestId }) => requestId === id)), {
        timeout: 30_000,
      })
      .toEqual([]);

  it('gets what happens at both, signed, and what happened before', async () => {
    const ids = await Promise.all(servers.map((server) => idOf(failedLogin(server))));
    await waitFor(ids);

    expect(receiver.posts.every(({ isSigned }) => isSigned)).toBe(true);
    expect(receiver.posts[0]?.body).toMatchObject({
      type: 'audit.events',
      data: { realm: expect.any(String) },
    });
    expect(new Set(receiver.posts.map(({ body }) => body.data.realm))).toEqual(new Set(['acme', head.name]));
    expect(arrived().map(({ kind }) => kind)).toContain('realm.created');
    const known = arrived().map(({ id }) => id);
    expect(known).toHaveLength(new Set(known).size);
  });

  it('gets everything later when it was away, also when the processes were killed meanwhile', async () => {
    const [first, second] = servers;
    if (first === undefined || second === undefined) throw new Error('no servers');
    receiver.answerWith(503);
    const ids = [await idOf(failedLogin(first)), await idOf(failedLogin(second))];
    await expect.poll(() => receiver.refused(), { timeout: 30_000 }).toBeGreaterThan(0);
    await expect.poll(() => unwritten(ids), { timeout: 30_000 }).toEqual([]);
    for (const server of servers) await server.kill9();
    receiver.answerWith(204);
    await first.start();

    await waitFor(ids);
    expect(receiver.posts.every(({ isSigned }) => isSigned)).toBe(true);
  });
});

describe('a webhook at a private address', () => {
  it('gets nothing unless the operator allows it', async () => {
    const engine = await openEmbedded();
    const receiver = await startWebhookReceiver(secret);
    const env = { DAYPASS_AUDIT_WEBHOOK: receiver.url, DAYPASS_AUDIT_WEBHOOK_SECRET: secret };
    const server = await startServerProcess({ store: engine.url, realms, env });

    await expect
      .poll(() => server.output(), { timeout: 30_000 })
      .toContain('the audit log could not be delivered');
    expect(server.output()).not.toContain(secret);
    await server.stop();
    expect([receiver.posts, receiver.refused()]).toEqual([[], 0]);
    await receiver.stop();
    await engine.stop();
  });
});

type Syslog = { readonly port: number; readonly messages: string[]; stop(): void };

async function startUdp(): Promise<Syslog> {
  const messages: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (message) => messages.push(message.toString()));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, messages, stop: () => socket.close() };
}

/** Octet counting (RFC 6587 §3.4.1). */
async function startTcp(): Promise<Syslog> {
  const messages: string[] = [];
  const server: Server = createServer((socket) => {
    const parts: Buffer[] = [];
    socket.on('data', (part) => parts.push(part));
    socket.on('end', () => messages.push(...framesOf(Buffer.concat(parts))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, messages, stop: () => server.close() };
}

function framesOf(bytes: Buffer): readonly string[] {
  const [, count = ''] = /^(\d+) /.exec(bytes.toString('latin1')) ?? [];
  if (count === '') return [];
  const from = count.length + 1;
  const end = from + Number(count);
  return [bytes.subarray(from, end).toString(), ...framesOf(bytes.subarray(end))];
}

describe.each([
  ['udp', startUdp],
  ['tcp', startTcp],
] as const)('syslog by %s', (transport, start) => {
  let engine: Engine;
  let receiver: Syslog;
  let server: ServerProcess;

  beforeAll(async () => {
    engine = await openEmbedded();
    receiver = await start();
    const env = { DAYPASS_AUDIT_SYSLOG: `${transport}://127.0.0.1:${receiver.port}` };
    server = await startServerProcess({ store: engine.url, realms, env });
  });
  afterAll(async () => {
    await server?.stop();
    receiver?.stop();
    await engine?.stop();
  });

  it('gets a message for each event (RFC 5424)', async () => {
    const id = await idOf(failedLogin(server));
    await expect
      .poll(() => receiver.messages.find((message) => message.includes(id)), { timeout: 30_000 })
      .toBeDefined();

    const message = receiver.messages.find((one) => one.includes(id)) ?? '';
    const [, time, json = ''] =
      /^<108>1 (\S+) 127\.0\.0\.1 daypass - login\.failed - (.*)$/.exec(message) ?? [];
    expect(JSON.parse(json)).toMatchObject({ realm: 'acme', kind: 'login.failed', time, requestId: id });
    expect(receiver.messages.some((one) => one.startsWith('<110>1 '))).toBe(true);
  });
});
