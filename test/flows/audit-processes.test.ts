/** The audit log of several processes at once, of one that dies, and of a store that takes changes but no events. */
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/audit/audit-event.ts';
import type { Services } from '../../src/services.ts';
import { callerWith } from '../admin/support.ts';
import { postForm } from '../support/http.ts';
import { openOperator } from '../support/operator.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type Engine, engines, openEmbedded } from '../support/raw-store.ts';
import { george } from '../support/realms.ts';
import { auditedRealm, head } from './audit-support.ts';
import { grant, mintGuest } from './guest-support.ts';

const at = (server: ServerProcess) => ({
  ...server,
  issuer: (realm: string) => `${server.url}/realms/${realm}`,
});

async function rootOf(server: ServerProcess) {
  const answer = await postForm(
    server.endpoint(head.name, 'token'),
    { grant_type: 'client_credentials', resource: 'urn:daypass:admin' },
    { auth: ['root', 'root-secret'] },
  );
  return callerWith(at(server) as never, answer.json.access_token);
}

async function everything(operator: Services): Promise<readonly AuditEvent[]> {
  const events: AuditEvent[] = [];
  let after: string | undefined;
  do {
    const page = await operator.audit.search('acme', {}, { limit: 200, after });
    events.push(...page.events);
    after = page.next;
  } while (after !== undefined);
  return events;
}

const times = (count: number) => Array.from({ length: count }, (_, index) => index);

describe.each(engines)('two processes on %s', (_name, open) => {
  let engine: Engine;
  let servers: readonly ServerProcess[];
  let operator: Services;

  beforeAll(async () => {
    engine = await open();
    const shared = { store: engine.url, publicUrl: 'http://127.0.0.1:3999', realms: [head, auditedRealm()] };
    servers = [await startServerProcess(shared), await startServerProcess(shared)];
    operator = await openOperator(engine.url);
  });
  afterAll(async () => {
    await operator?.close();
    for (const server of servers ?? []) await server.stop();
    await engine?.stop();
  });

  /** Resolves when the log holds so many events of a kind. */
  const waitFor = (kind: string, count: number) =>
    expect
      .poll(async () => (await everything(operator)).filter((event) => event.kind === kind).length, {
        timeout: 20_000,
      })
      .toBe(count);

  it('leave whole chains with everything that both did', async () => {
    const work = servers.flatMap((server) =>
      times(60).map((index) =>
        mintGuest(at(server), grant({ subject: { tenant: 'blue', id: `u_${index}` } })),
      ),
    );
    const changing = servers.map(async (server, which) => {
      const root = await rootOf(server);
      const path = '/realms/acme/clients/gateway';
      for (const index of times(10)) {
        const body = { accessTokenTtl: 100 * (which + 1) + index };
        await root({ method: 'PATCH', path, body, headers: { 'If-Match': '*' } });
      }
    });
    const answers = await Promise.all(work);
    await Promise.all(changing);

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    await waitFor('guest.minted', 120);
    await waitFor('client.changed', 20);
    const { faults, writers } = await operator.audit.verify('acme');
    expect(faults).toEqual([]);
    expect(writers).toBeGreaterThanOrEqual(2);
  });

  it('lose at most what was not written yet when one is killed', async () => {
    const [server] = servers;
    if (server === undefined) throw new Error('no server');
    const root = await rootOf(server);
    const before = (await everything(operator)).filter(({ kind }) => kind === 'client.changed').length;
    const sent = times(200).map((index) =>
      index % 4 === 0
        ? root({
            method: 'PATCH',
            path: '/realms/acme/clients/portal',
            body: { accessTokenTtl: 1000 + index },
            headers: { 'If-Match': '*' },
          })
        : postForm(server.endpoint('acme', 'token'), george),
    );
    let changed = 0;
    const answered = sent.map(async (answer, index) => {
      const { status } = await answer.catch(() => ({ status: 0 }));
      if (index % 4 !== 0 || status !== 200) return;
      changed += 1;
      if (changed === 8) await server.kill9();
    });
    await Promise.all(answered);

    expect(server.isRunning()).toBe(false);
    // The change of every answer is there. One that was not answered may be.
    const after = (await everything(operator)).filter(({ kind }) => kind === 'client.changed').length;
    expect(after - before).toBeGreaterThanOrEqual(changed);
    expect((await operator.audit.verify('acme')).faults).toEqual([]);
    await server.start();
    expect((await rootOf(server)) !== undefined).toBe(true);
    expect((await operator.audit.verify('acme')).faults).toEqual([]);
  });
});

describe('a store that takes everything but events', () => {
  let engine: Engine;
  let server: ServerProcess;

  beforeAll(async () => {
    engine = await openEmbedded();
    server = await startServerProcess({ store: engine.url, realms: [head, auditedRealm()] });
  });
  afterAll(async () => {
    await server?.stop();
    await engine?.stop();
  });

  function alter(sql: string): void {
    const database = new DatabaseSync(engine.url.replace('sqlite:', ''), { timeout: 5000 });
    database.exec(sql);
    database.close();
  }

  it('refuses changes and deeds of administrators, and takes them afterwards', async () => {
    const root = await rootOf(server);
    const path = '/realms/acme/clients/gateway';
    const change = () =>
      root({ method: 'PATCH', path, body: { accessTokenTtl: 123 }, headers: { 'If-Match': '*' } });
    const login = await postForm(server.endpoint('acme', 'token'), george);
    const { id } = (await root({ path: '/realms/acme/users?search=george' })).body.items[0];
    const end = () => root({ method: 'DELETE', path: `/realms/acme/users/${id}/sessions` });
    const lives = async () =>
      (
        await postForm(
          server.endpoint('acme', 'token/introspect'),
          { token: login.json.access_token },
          { auth: ['gateway', 'gateway-secret'] },
        )
      ).json.active;

    for (const when of ['INSERT', 'UPDATE']) {
      alter(`CREATE TRIGGER refuse_${when} BEFORE ${when} ON document WHEN NEW.key LIKE 'acme:audit:%'
        BEGIN SELECT RAISE(ABORT, 'no'); END`);
    }
    expect((await change()).status).toBeGreaterThanOrEqual(500);
    expect((await end()).status).toBeGreaterThanOrEqual(500);
    expect((await root({ path })).body.accessTokenTtl).toBeUndefined();
    expect(await lives()).toBe(true);
    for (const when of ['INSERT', 'UPDATE']) alter(`DROP TRIGGER refuse_${when}`);

    expect((await change()).body).toMatchObject({ accessTokenTtl: 123 });
    expect((await end()).status).toBe(200);
    expect(await lives()).toBe(false);
  });
});
