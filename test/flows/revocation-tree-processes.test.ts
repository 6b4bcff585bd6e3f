/** Several real processes on one store: what one does counts for all of them at once, whatever their clocks say. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomId } from '../../src/base/random.ts';
import type { User } from '../../src/registry/model/model.ts';
import { userNode } from '../../src/revocation/nodes.ts';
import type { Services } from '../../src/services.ts';
import { createAgent, obtainCode } from '../support/browserless.ts';
import { postForm } from '../support/http.ts';
import { openOperator } from '../support/operator.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type Engine, openEmbedded, openRedis } from '../support/raw-store.ts';
import { acme, gateway, engine as service } from '../support/realms.ts';

const hour = 3_600_000;
const password = 'my_password';
// Longer than the clocks are apart, so that only a cut can kill a token.
const lifetimes = { accessToken: 20_000 };
const machine = { grant_type: 'client_credentials' };

const token = (
  server: ServerProcess,
  form: Readonly<Record<string, string>>,
  auth?: readonly [string, string],
) => postForm(server.endpoint('acme', 'token'), form, auth && { auth });
const byPassword = (server: ServerProcess, username = 'george.becker') =>
  token(server, { grant_type: 'password', client_id: 'dc-ui', username, password });
const refresh = (server: ServerProcess, refresh_token: string) =>
  token(server, { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token });
const isActive = async (server: ServerProcess, value: string): Promise<boolean> =>
  (await postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway })).json
    .active;

describe('four processes, the third an hour ahead and the fourth an hour behind', () => {
  let engine: Engine;
  let operator: Services;
  let servers: readonly ServerProcess[];
  let user: User;

  beforeAll(async () => {
    engine = await openRedis();
    const first = await startServerProcess({ store: engine.url, realms: [acme({ lifetimes })] });
    const same = { store: engine.url, publicUrl: first.url };
    servers = [
      first,
      ...(await Promise.all([
        startServerProcess(same),
        startServerProcess({ ...same, clockAheadMs: hour }),
        startServerProcess({ ...same, clockAheadMs: -hour }),
      ])),
    ];
    operator = await openOperator(engine.url);
    const george = await operator.registry.findUserByLogin('acme', 'george.becker');
    if (george === undefined) throw new Error('no such user');
    user = george.user;
  });
  afterAll(async () => {
    await operator?.close();
    await Promise.all((servers ?? []).map((server) => server.stop()));
    await engine?.stop();
  });

  const everywhere = <T>(ask: (server: ServerProcess) => Promise<T>) => Promise.all(servers.map(ask));
  const activeEverywhere = (value: string) => everywhere((server) => isActive(server, value));
  /** Every process as the one that acts. */
  const actors = [0, 1, 2, 3];
  const all = <T>(value: T): readonly T[] => actors.map(() => value);
  const [yes, no] = [all(true), all(false)];
  const actor = (index: number): ServerProcess => {
    const found = servers[index];
    if (found === undefined) throw new Error('no such process');
    return found;
  };

  it.each(actors)(
    'sees tokens of process %i everywhere, and their revocation at the very next look',
    async (i) => {
      for (let round = 0; round < 5; round += 1) {
        const { access_token } = (await token(actor(i), machine, service)).json;
        expect(await activeEverywhere(access_token)).toEqual(yes);

        await postForm(actor(i).endpoint('acme', 'revoke'), { token: access_token }, { auth: service });

        expect(await activeEverywhere(access_token)).toEqual(no);
      }
    },
  );

  it.each(actors)('ends a session everywhere at a logout on process %i', async (i) => {
    const { access_token, refresh_token } = (await byPassword(actor((i + 1) % 4))).json;

    await postForm(actor(i).endpoint('acme', 'logout'), { client_id: 'dc-ui', refresh_token });

    expect(await activeEverywhere(access_token)).toEqual(no);
    const refused = await everywhere((server) => refresh(server, refresh_token));
    expect(refused.map(({ status }) => status)).toEqual(all(400));
  });

  it('kills by a cut what was issued before it and nothing that was issued after it, whatever the clocks say', async () => {
    for (let round = 0; round < 5; round += 1) {
      const before = await everywhere((server) => byPassword(server));

      await operator.store.commit([{ cut: userNode(user.id), realm: 'acme', ttl: 60_000 }]);

      const after = await everywhere((server) => byPassword(server));
      for (const { json } of before) expect(await activeEverywhere(json.access_token)).toEqual(no);
      for (const { json } of after) expect(await activeEverywhere(json.access_token)).toEqual(yes);
    }
  });

  it('keeps a disabled user out everywhere at once', async () => {
    const { access_token, refresh_token } = (await byPassword(actor(0))).json;

    await operator.registry.updateUser('acme', user.id, (now) => ({ ...now, enabled: false }));
    const active = await activeEverywhere(access_token);
    const refused = await everywhere((server) => refresh(server, refresh_token));
    const logins = await everywhere((server) => byPassword(server));
    await operator.registry.updateUser('acme', user.id, (now) => ({ ...now, enabled: true }));

    expect(active).toEqual(no);
    expect([...refused, ...logins].map(({ status }) => status)).toEqual([...all(400), ...all(400)]);
    expect(await activeEverywhere(access_token)).toEqual(no);
    expect(await activeEverywhere((await byPassword(actor(2))).json.access_token)).toEqual(yes);
  });

  it('neither issues for a disabled client nor calls its tokens active, from the very next request on', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { access_token } = (await token(actor(0), machine, service)).json;
      expect(await activeEverywhere(access_token)).toEqual(yes);

      await operator.registry.updateClient('acme', service[0], (client) => ({ ...client, enabled: false }));
      const asked = await everywhere(async (server) => [
        await isActive(server, access_token),
        (await token(server, machine, service)).json.access_token,
      ]);
      await operator.registry.updateClient('acme', service[0], (client) => ({ ...client, enabled: true }));

      expect(asked).toEqual(all([false, undefined]));
      await expect.poll(async () => (await token(actor(1), machine, service)).status).toBe(200);
      expect(await activeEverywhere(access_token)).toEqual(no);
    }
  });

  it('tells every process of what changes', { timeout: 60_000 }, async () => {
    const id = `late-${randomId()}`;
    const auth = [id, 'late-secret'] as const;
    const ask = () => everywhere(async (server) => (await token(server, machine, auth)).status);
    expect(await ask()).toEqual(all(401));

    await operator.registry.createClient('acme', { id, secret: auth[1], grants: ['client_credentials'] });
    await expect.poll(ask, { interval: 10 }).toEqual(all(200));
    await operator.registry.updateClient('acme', id, (client) => ({ ...client, secret: 'another-secret' }));
    await expect.poll(ask, { interval: 10 }).toEqual(all(401));
    await operator.registry.updateRealm('acme', (realm) => ({ ...realm, enabled: false }));
    await expect.poll(ask, { interval: 10 }).toEqual(all(403));
    await operator.registry.updateRealm('acme', (realm) => ({ ...realm, enabled: true }));
    await expect.poll(ask, { interval: 10 }).toEqual(all(401));
  });

  it('goes on with a code and a refresh on whichever process comes next', async () => {
    const agent = createAgent(actor(0).url);
    const { form } = await obtainCode(actor(0), { realm: 'acme', agent });
    const redeemed = await token(actor(1), form);
    const refreshed = await refresh(actor(2), redeemed.json.refresh_token);
    const retried = await refresh(actor(0), redeemed.json.refresh_token);

    expect([redeemed, refreshed, retried]).toMatchObject([{ status: 200 }, { status: 200 }, { status: 200 }]);
    expect(retried.json.refresh_token).toBe(refreshed.json.refresh_token);
    expect(await activeEverywhere(refreshed.json.access_token)).toEqual(yes);
  });

  it('redeems a code once when two processes get it at the same moment', async () => {
    const agent = createAgent(actor(0).url);
    for (let round = 0; round < 5; round += 1) {
      const { form } = await obtainCode(actor(0), { realm: 'acme', agent });
      const times = Array.from({ length: 10 }, () => [actor(0), actor(1)]).flat();

      const answers = await Promise.all(times.map((server) => token(server, form)));

      const [winner, ...others] = answers.filter(({ status }) => status === 200);
      expect(others).toEqual([]);
      expect(answers.filter(({ status }) => status === 400)).toHaveLength(times.length - 1);
      expect(await activeEverywhere(winner?.json.access_token)).toEqual(yes);
    }
  });
});

it('revives nothing on the embedded store when the clock of the machine jumps back', async ({
  onTestFinished,
}) => {
  const engine = await openEmbedded();
  onTestFinished(engine.stop);
  const ahead = await startServerProcess({
    store: engine.url,
    realms: [acme({ lifetimes })],
    clockAheadMs: hour,
  });
  onTestFinished(ahead.stop);
  const before = (await byPassword(ahead)).json;
  await postForm(ahead.endpoint('acme', 'revoke'), { client_id: 'dc-ui', token: before.refresh_token });
  const alive = (await byPassword(ahead)).json;
  await ahead.kill9();

  const server = await startServerProcess({ store: engine.url, publicUrl: ahead.url });
  onTestFinished(server.stop);
  const after = (await byPassword(server)).json;
  const active = [before, alive, after].map(({ access_token }) => isActive(server, access_token));

  expect(await Promise.all(active)).toEqual([false, true, true]);
  const operator = await openOperator(engine.url);
  const found = await operator.registry.findUserByLogin('acme', 'george.becker');
  await operator.store.commit([{ cut: userNode(found?.user.id ?? ''), realm: 'acme', ttl: 60_000 }]);
  await operator.close();
  expect(await isActive(server, alive.access_token)).toBe(false);
  expect(await isActive(server, after.access_token)).toBe(false);
  expect(await isActive(server, (await byPassword(server)).json.access_token)).toBe(true);
});
