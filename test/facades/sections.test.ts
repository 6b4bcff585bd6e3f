/** What holds for every section: it is a client, it can be switched off, and its tokens survive restarts. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { clientId } from '../../src/registry/model/model.ts';
import { runCommand } from '../support/command.ts';
import { postForm } from '../support/http.ts';
import { openEmbedded } from '../support/raw-store.ts';
import {
  apiKey,
  demoRealms,
  type FacadeServer,
  send,
  startFacades,
  startFor,
  tokenOf,
  withSection,
} from './support.ts';

const calls: readonly (readonly [
  'databrain' | 'semaphor' | 'informer',
  (base: string, bearer: string) => Promise<string>,
])[] = [
  [
    'databrain',
    async (base) =>
      (
        await send(`${base}/api/v1/guest-token/create`, {
          token: apiKey,
          body: { clientId: 'id', workspaceName: 'workspacename' },
        })
      ).json.token,
  ],
  [
    'semaphor',
    async (base) =>
      (
        await send(`${base}/api/v1/token`, {
          body: {
            dashboardId: 'd_cf007a8b-19bc-46ad-8787-2915445b7b86',
            dashboardSecret: 'ds_f32f0b30-b7e1-40f9-ba6a-9804a5b9d635',
          },
        })
      ).json.accessToken,
  ],
  [
    'informer',
    async (base, bearer) =>
      (
        await send(`${base}/api/tokens`, {
          token: bearer,
          body: { type: 'report', reportId: 'team:sales-dashboard' },
        })
      ).json.token,
  ],
];

const adaOf = (server: FacadeServer) => tokenOf(server, 'ada.admin', 'ada_password');

describe.each(calls)('%s', (name, mint) => {
  const switched = (server: FacadeServer, enabled: boolean | undefined) =>
    server.services.registry.updateRealm('acme', (settings) => ({
      ...settings,
      compat: { ...settings.compat, [name]: { ...settings.compat?.[name], enabled } },
    }));

  it('switched off is not there, and what it minted is dead for good', async () => {
    const server = await startFor();
    const bearer = await adaOf(server);
    const token = await mint(server.base, bearer);
    const other = await Promise.all(
      calls.filter(([one]) => one !== name).map(([, mintOther]) => mintOther(server.base, bearer)),
    );

    await switched(server, false);
    const whileOff = [await mint(server.base, bearer), (await server.introspect(token)).active];
    await switched(server, true);
    const fresh = await mint(server.base, bearer);

    expect(whileOff).toEqual([undefined, false]);
    expect((await server.introspect(token)).active).toBe(false);
    expect((await server.introspect(fresh)).active).toBe(true);
    for (const one of other) expect((await server.introspect(one)).active).toBe(true);
  });

  it('that may do less loses what it minted; one that may do more does not', async () => {
    const server = await startFor();
    const bearer = await adaOf(server);
    const change = (members: object) =>
      server.services.registry.updateRealm('acme', (settings) => ({
        ...settings,
        compat: { ...settings.compat, [name]: { ...settings.compat?.[name], ...members } },
      }));
    await change({ maxTtl: 1_000_000, actions: ['view'] });
    const token = await mint(server.base, bearer);

    await change({ maxTtl: 1_000_001, actions: ['view', 'filter'] });
    const afterMore = (await server.introspect(token)).active;
    await change({ maxTtl: 1_000_000 });
    const fresh = await mint(server.base, bearer);

    expect([afterMore, (await server.introspect(token)).active]).toEqual([true, false]);
    expect((await server.introspect(fresh)).active).toBe(true);
  });

  it('taken out of the realm takes its tokens along', async () => {
    const server = await startFor();
    const token = await mint(server.base, await adaOf(server));

    await server.services.registry.updateRealm('acme', (settings) => ({
      ...settings,
      compat: { ...settings.compat, [name]: undefined },
    }));

    expect((await server.introspect(token)).active).toBe(false);
  });

  it('stays switched off when the file that names it is applied again', async () => {
    const server = await startFor();
    const { acme } = await demoRealms();
    await switched(server, false);

    await server.services.registry.applyRealm(acme);

    expect(await mint(server.base, await adaOf(server))).toBeUndefined();
  });

  it('loses all its tokens by one cut of the client, and can go on', async () => {
    const server = await startFor();
    const bearer = await adaOf(server);
    const token = await mint(server.base, bearer);

    const client = `compat:${name}`;
    await server.services.guests.cut('acme', { client }, { clientId: client });
    const fresh = await mint(server.base, bearer);

    expect((await server.introspect(token)).active).toBe(false);
    expect((await server.introspect(fresh)).active).toBe(true);
  });

  it('can be cut from the command line', async () => {
    const engine = await openEmbedded();
    onTestFinished(() => engine.stop());
    const server = await startFor({ store: engine.url });
    const token = await mint(server.base, await adaOf(server));
    const before = await server.introspect(token);

    const result = await runCommand(
      ['token', 'revoke-all', '--realm', 'acme', '--client', `compat:${name}`],
      {
        env: { DAYPASS_STORE: engine.url, DAYPASS_KEY: Buffer.alloc(32, 7).toString('base64') },
      },
    );

    expect(result.code).toBe(0);
    expect([before.active, (await server.introspect(token)).active]).toEqual([true, false]);
  });

  it('is a client that nobody can register, name in a file or authenticate as', async () => {
    const server = await startFor();
    const id = `compat:${name}`;

    const answer = await postForm(
      server.endpoint('acme', 'token'),
      { grant_type: 'client_credentials' },
      { auth: [id, apiKey] },
    );

    expect(clientId.safeParse(id).success).toBe(false);
    await expect(server.services.registry.createClient('acme', { id, public: true })).rejects.toThrow();
    expect([answer.status, answer.json.error]).toEqual([401, 'invalid_client']);
  });

  it('mints tokens that outlive a restart, and a revocation that does too', async () => {
    const engine = await openEmbedded();
    onTestFinished(() => engine.stop());
    const first = await startFacades({ store: engine.url });
    const bearer = await adaOf(first);
    const [kept, revoked] = [await mint(first.base, bearer), await mint(first.base, bearer)];
    const found = await first.services.guests.findByValue('acme', revoked);
    await first.services.guests.revoke('acme', found?.record.id ?? '', { by: 'test' });
    await first.stop();

    const second = await startFor({ store: engine.url });

    expect((await second.introspect(kept)).active).toBe(true);
    expect((await second.introspect(revoked)).active).toBe(false);
  });

  it('has tokens for the API that it names, with no more than its own actions', async () => {
    const server = await startFor({ change: withSection(name, { api: 'warehouse', actions: ['view'] }) });
    const token = await mint(server.base, await adaOf(server));

    const seen = await server.introspect(token);

    expect(seen.aud).toBe('https://warehouse.acme.test');
    expect(seen.authorization_details[0].actions).toEqual(['view']);
  });

  it('is told of by its minter and its API, and to nobody else', async () => {
    const server = await startFor();
    const token = await mint(server.base, await adaOf(server));

    const answer = await postForm(
      server.endpoint('acme', 'token/introspect'),
      { token },
      { auth: ['ds-engine', 'ds-engine-secret'] },
    );

    expect(answer.json).toEqual({ active: false });
  });

  it('answers at the root too for the realm that DAYPASS_DEFAULT_REALM names', async () => {
    const server = await startFor({ env: { DAYPASS_DEFAULT_REALM: 'acme' } });
    const token = await mint(server.url, await adaOf(server));

    expect((await server.introspect(token)).active).toBe(true);
  });

  it('does not answer at the root, or in a realm without it', async () => {
    const server = await startFor();
    const bearer = await adaOf(server);

    expect(await mint(server.url, bearer)).toBeUndefined();
    expect(await mint(server.issuer('globex'), bearer)).toBeUndefined();
  });
});
