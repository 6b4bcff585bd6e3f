/** A cut is remembered for as long as anything below it can live, and no longer: it costs memory until then. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Store, Write } from '../../src/storage/port/port.ts';
import { postForm } from '../support/http.ts';
import { engine, george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { call, grant, guestRealm, mintGuest, mints, portal } from './guest-support.ts';

const DAY = 86_400;
const YEARS = 300 * DAY;
let server: TestServer;
let cuts: { readonly node: string; readonly ttl: number }[] = [];

const watched = (store: Store): Store => ({
  ...store,
  commit: (writes) => {
    cuts.push(...writes.flatMap(cutOf));
    return store.commit(writes);
  },
});

function cutOf(write: Write) {
  if ('cut' in write) return [{ node: write.cut, ttl: write.ttl }];
  return 'close' in write ? [{ node: write.close, ttl: write.ttl ?? Number.POSITIVE_INFINITY }] : [];
}

beforeAll(async () => {
  const lasting = { mints: { ...mints, allowNonExpiring: true }, grants: ['client_credentials'] };
  const base = guestRealm({ guests: { allowNonExpiring: true } });
  const clients = [...base.clients, { id: 'lasting', secret: 'lasting-secret', ...lasting }];
  const { createGuests } = await import('../../src/guest/guests.ts');
  server = await startTestServer({
    realms: [{ ...base, clients }],
    adapt: (services) => {
      const store = watched(services.store);
      return { ...services, store, guests: createGuests({ ...services, store }) };
    },
  });
});
afterAll(() => server?.stop());

const token = async (form: Record<string, string>, auth?: readonly [string, string]) =>
  (await postForm(server.endpoint('acme', 'token'), form, auth && { auth })).json;
const service = (auth: readonly [string, string]) => token({ grant_type: 'client_credentials' }, auth);

/** The longest time for which the revocation is remembered, in seconds. */
async function afterRevoking(
  form: Record<string, string>,
  auth?: readonly [string, string],
): Promise<number> {
  cuts = [];
  const answer = await postForm(server.endpoint('acme', 'revoke'), form, auth && { auth });
  expect(answer.status).toBe(200);
  return Math.max(...cuts.map(({ ttl }) => ttl));
}

it('of a service token as long as the token, where nothing can be made of it', async () => {
  const { access_token, expires_in } = await service(engine);

  const ttl = await afterRevoking({ token: access_token }, engine);

  expect(ttl).toBeGreaterThanOrEqual(expires_in - 5);
  expect(ttl).toBeLessThanOrEqual(expires_in + DAY);
});

it('of a service token of a client that mints as long as its guests can live', async () => {
  const lasting = ['lasting', 'lasting-secret'] as const;

  const bounded = await afterRevoking({ token: (await service(portal)).access_token }, portal);
  const endless = await afterRevoking({ token: (await service(lasting)).access_token }, lasting);

  expect(bounded).toBeGreaterThanOrEqual(30 * DAY);
  expect(bounded).toBeLessThanOrEqual(65 * DAY);
  expect(endless).toBeGreaterThan(YEARS);
});

it("of a user's token as long as a session", async () => {
  const { access_token } = await token({ ...george, scope: 'openid' });

  const ttl = await afterRevoking({ token: access_token, client_id: 'dc-ui' });

  expect(ttl).toBeLessThanOrEqual(65 * DAY);
});

it.each<[string, object, number, number]>([
  ['as long as it', { ttl: 60 }, 55, 60 + DAY],
  [
    'as long as its chain of refreshes',
    { ttl: 60, refresh: { allowed: true, absolute: 7200 } },
    7190,
    7200 + DAY,
  ],
])('of a guest token %s', async (_what, lifetime, least, most) => {
  const { json } = await mintGuest(server, grant({ lifetime }));
  cuts = [];

  await call(server, 'DELETE', `/guest-tokens/${json.id}`);

  const ttl = Math.max(...cuts.map((cut) => cut.ttl));
  expect(ttl).toBeGreaterThanOrEqual(least);
  expect(ttl).toBeLessThanOrEqual(most);
});

it('of an id that no token has no longer than a day', async () => {
  cuts = [];

  await call(server, 'DELETE', '/guest-tokens/gt_abcdefghijklmnopqrstuvwxyz');

  expect(Math.max(0, ...cuts.map(({ ttl }) => ttl))).toBeLessThanOrEqual(DAY);
});
