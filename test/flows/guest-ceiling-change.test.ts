/** What a client may mint is made less or more: what it minted before dies with the change, or lives on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuests } from '../../src/guest/guests.ts';
import { realmFile } from '../../src/registry/model/model.ts';
import { createGate } from '../support/gate.ts';
import type { Answer } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  mints,
  other,
  ownToken,
  session,
} from './guest-support.ts';

describe('a client whose ceiling changes', () => {
  let server: TestServer;
  const gate = createGate();

  beforeAll(async () => {
    server = await startTestServer({
      realms: [guestRealm()],
      adapt: (services) => ({
        ...services,
        guests: createGuests({ ...services, store: gate.through(services.store) }),
      }),
    });
  });
  afterAll(() => server.stop());

  const apply = (change: object) =>
    server.services.registry.applyRealm(
      realmFile.parse(guestRealm({}, { portal: { mints: { ...mints, ...change } } })),
    );
  const isActive = async (token: string) => (await introspect(server, token)).json.active;

  it.each<[string, object]>([
    ['types', { types: ['dashboard'] }],
    ['actions', { actions: ['view', 'filter'] }],
    ['tenants', { tenants: ['blue'] }],
    ['life', { maxTtl: 3600 }],
    ['formats', { formats: ['opaque'] }],
  ])('to fewer %s in its file loses what it minted, and nothing else', async (_what, change) => {
    await apply({});
    const [mine, theirs] = [await mintGuest(server), await mintGuest(server, grant(), { auth: other })];
    const service = await ownToken(server);

    await apply(change);
    const fresh = await mintGuest(server);

    expect((await introspect(server, mine.json.token)).json).toEqual({
      active: false,
      guest_reason: 'revoked',
    });
    expect(await isActive(theirs.json.token)).toBe(true);
    expect(await isActive(fresh.json.token)).toBe(true);
    expect(await isActive(service)).toBe(true);
  });

  it.each<[string, () => Promise<Answer>]>([
    ['a token', () => mintGuest(server)],
    ['an opener', () => call(server, 'POST', '/guest-tokens/openers', grant())],
    [
      'an exchange',
      async () => exchange(server, { subject: await ownToken(server), details: [detail(), session()] }),
    ],
  ])('while it mints %s mints nothing by what it could before', async (_what, mint) => {
    await apply({});
    const held = gate.hold();
    const minting = mint();
    await held.arrived;

    await apply({ actions: ['view'] });
    held.open();

    expect((await minting).status).toBe(503);
    await expect.poll(async () => (await mintGuest(server)).json.scope).toBe('guest:view');
  });

  it('to more of everything keeps what it minted', async () => {
    await apply({ tenants: ['blue'], perMinute: 1000 });
    const { json } = await mintGuest(server);

    await apply({ types: [...mints.types, 'chart'], maxTtl: 90_000, perMinute: 900 });

    expect(await isActive(json.token)).toBe(true);
  });
});
