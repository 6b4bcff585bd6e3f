/** PATCH: a guest token is shortened or narrowed and keeps its value; it never gets more, nor a second life. */
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { engines } from '../support/raw-store.ts';
import { useServerOn } from '../support/use-server.ts';
import {
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  mints,
  movableClock,
  ownRows,
  portal,
  refreshGuest,
} from './guest-support.ts';

const revoked = { active: false, guest_reason: 'revoked' };

describe.each(engines)('guest tokens that are narrowed, on the %s store', (_name, open) => {
  const time = movableClock();
  const types = [...mints.types, 'data_app'];
  const realms = [guestRealm({}, { portal: { mints: { ...mints, types } } })];
  const { server } = useServerOn(open, { realms, adapt: time.adapt });

  const mint = async (overrides: Record<string, unknown> = {}, auth: readonly [string, string] = portal) =>
    (await mintGuest(server, grant(overrides), { auth })).json;
  const dashboard = (id: string, type = 'dashboard') => ({ type, id, actions: ['view'], rows: ownRows });

  const patch = (id: string, body: unknown) => call(server, 'PATCH', `/guest-tokens/${id}`, body);

  it('keep their value and show less at once', async () => {
    const { id, token } = await mint();

    const answer = await patch(id, {
      resources: [{ ...dashboard('dash-1'), rows: { col: 'state', op: 'eq', value: 'CA' } }],
      lifetime: { ttl: 60, max_uses: 1 },
      binding: { ip: ['203.0.113.7'] },
    });

    expect(answer).toMatchObject({ status: 200, json: { id, scope: 'guest:view' } });
    const seen = await introspect(server, token, { resource: 'dash-1', ip: '203.0.113.7' });
    expect(seen.json.policy.rows).toEqual({ and: [ownRows, { col: 'state', op: 'eq', value: 'CA' }] });
    expect(seen.json.exp - seen.json.iat).toBeLessThanOrEqual(61);
    expect((await introspect(server, token, { ip: '203.0.113.7' })).json.guest_reason).toBe('max_uses');
  });

  it('keep the limits of what is dropped where it may lie inside of what stays', async () => {
    const app = { type: 'data_app', id: 'app', include: 'children', actions: ['view'], rows: 'all' };
    const limited = { type: 'metric', id: 'm', actions: ['view'], rows: ownRows };
    const { id, token } = await mint({ resources: [app, limited] });
    const inside = { resource: 'metric:m' };
    expect((await introspect(server, token, inside)).json).toMatchObject({ allowed: true });

    expect((await patch(id, { resources: [app] })).status).toBe(200);

    const seen = (await introspect(server, token, inside)).json;
    expect(seen).toMatchObject({ active: true, allowed: false, policy: { rows: ownRows } });
    expect((await introspect(server, token, { resource: 'app' })).json.allowed).toBe(true);

    expect((await patch(id, { lifetime: { max_uses: 50 } })).status).toBe(200);
    const only = [detail({ identifier: 'app', datatypes: ['data_app'], actions: ['view'], rows: 'all' })];
    const below = await exchange(server, { subject: token, details: only });
    expect(below.status).toBe(200);
    const child = (await introspect(server, below.json.access_token, inside)).json;
    expect(child).toMatchObject({ active: true, allowed: false });
  });

  it('are not said to live where the narrowing ended them, as it does those of an older version', async () => {
    const { id, token } = await mint();
    // There the pointer hung under the family of its token.
    const pointer = { realm: 'acme', kind: 'guest', id };
    await server.services.store.commit([{ put: pointer, value: sha256(token), under: [`gf:${id}`] }]);

    expect((await patch(id, { lifetime: { max_uses: 5 } })).status).toBe(409);
    expect((await introspect(server, token)).json).toEqual(revoked);
  });

  it('keep what the change does not mention', async () => {
    const { id, token, expires_at } = await mint({
      lifetime: { ttl: 5000, max_uses: 9 },
      binding: { ip: ['203.0.113.0/24'] },
      ui: { hide: ['sidebar'] },
    });

    const answer = await patch(id, { ui: { hide: ['header'] } });

    expect(answer.json.expires_at).toBe(expires_at);
    const session = answer.json.authorization_details[1];
    expect(session.ui.hide).toEqual(['sidebar', 'header']);
    expect(session.binding.ip).toEqual(['203.0.113.0/24']);
    expect((await introspect(server, token)).json.guest_reason).toBe('ip_mismatch');
  });

  it.each<[string, unknown, number, string]>([
    [
      'an action more',
      { resources: [{ ...dashboard('dash-1'), actions: ['view', 'export:csv'] }] },
      403,
      '/resources/0/actions/1',
    ],
    ['all rows', { resources: [{ ...dashboard('dash-1'), rows: 'all' }] }, 403, '/resources/0/rows'],
    ['another resource', { resources: [dashboard('dash-2')] }, 403, '/resources/0'],
    ['a longer life', { lifetime: { ttl: 601 } }, 403, '/lifetime/ttl'],
    ['another tenant', { subject: { tenant: 'x', id: 'y' } }, 400, '/subject'],
    ['another format', { format: 'jwt' }, 400, '/format'],
    ['a refresh token', { lifetime: { refresh: { allowed: true } } }, 400, '/lifetime/refresh'],
    ['no resource', { resources: [] }, 400, '/resources'],
    ['a data source', { context: { datasource: 'us' } }, 403, '/context/datasource'],
    ['an environment', { context: { environment: 'staging' } }, 403, '/context/environment'],
    ['domains', { context: { domains: { mode: 'include', ids: ['hr'] } } }, 403, '/context/domains'],
  ])('are never given %s', async (_what, body, status, pointer) => {
    const { id } = await mint();

    expect(await patch(id, body)).toMatchObject({ status, json: { errors: [{ pointer }] } });
  });

  it('cannot be brought back to life, whatever killed them', async () => {
    const dead = await mint();
    const cut = await mint({ label: 'to be cut' });
    await call(server, 'DELETE', `/guest-tokens/${dead.id}`);
    await call(server, 'POST', '/guest-tokens/revoke', { label: 'to be cut' });

    for (const { id, token } of [dead, cut]) {
      expect(await patch(id, { lifetime: { ttl: 60 } })).toMatchObject({
        status: 409,
        json: { code: 'conflict' },
      });
      expect((await introspect(server, token)).json).toEqual(revoked);
    }
  });

  it('lose to a revocation at the same moment', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id, token } = await mint();
      await Promise.all([
        patch(id, { lifetime: { ttl: 300 } }),
        call(server, 'DELETE', `/guest-tokens/${id}`),
        patch(id, { lifetime: { ttl: 200 } }),
      ]);
      expect((await introspect(server, token)).json).toEqual(revoked);
    }
  });

  it('lose nothing to another change at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { id, token } = await mint();
      const [fewer, once] = await Promise.all([
        patch(id, { resources: [dashboard('dash-1')] }),
        patch(id, { lifetime: { max_uses: 1 } }),
      ]);

      const { json } = await introspect(server, token, { dry_run: 'true' });

      const details = JSON.stringify(json.authorization_details);
      expect([fewer.status, once.status].filter((status) => ![200, 409].includes(status))).toEqual([]);
      expect(json.scope === 'guest:view').toBe(fewer.status === 200);
      expect(details.includes('"max_uses":1')).toBe(once.status === 200);
    }
  });

  it('lose to a cut of their tenant at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const tenant = `cut-${round}`;
      const { id, token } = await mint({ subject: { tenant, id: 'u' } });

      await Promise.all([
        patch(id, { lifetime: { ttl: 300 } }),
        call(server, 'POST', '/guest-tokens/revoke', { tenant }),
      ]);

      expect((await introspect(server, token)).json).toEqual(revoked);
    }
  });

  describe('of a chain of refreshes', () => {
    const refreshable = { lifetime: { ttl: 600, refresh: { allowed: true } } };
    const fewer = { resources: [dashboard('dash-1')] };
    const scopeOf = async (token: string) => (await introspect(server, token)).json.scope;

    it('are narrowed by the id of any: the newest keeps its value, all others die', async () => {
      const first = await mint(refreshable);
      const second = (await refreshGuest(server, first.refresh_token)).json;
      const third = (await refreshGuest(server, second.refresh_token)).json;

      const answer = await patch(first.id, fewer);

      expect(answer).toMatchObject({ status: 200, json: { state: 'active', scope: 'guest:view' } });
      expect(await scopeOf(third.access_token)).toBe('guest:view');
      for (const token of [first.token, second.access_token]) {
        expect((await introspect(server, token)).json).toEqual(revoked);
      }
      expect((await refreshGuest(server, third.refresh_token)).json.error).toBe('invalid_grant');
      expect((await patch(answer.json.id, { lifetime: { ttl: 30 } })).status).toBe(200);
      expect(await scopeOf(third.access_token)).toBe('guest:view');
    });

    it('are refreshed before it, or not at all, when both come at once', async () => {
      for (let round = 0; round < 20; round += 1) {
        const { id, token, refresh_token } = await mint(refreshable);

        const [narrowed, renewed] = await Promise.all([
          patch(id, fewer),
          refreshGuest(server, refresh_token),
        ]);

        const scopes = await Promise.all([token, renewed.json.access_token ?? 'none'].map(scopeOf));
        const hadAll = scopes.includes('guest:view guest:filter');
        expect([narrowed.status, hadAll]).toEqual(hadAll ? [409, true] : [200, false]);
        expect(scopes.some((scope) => scope !== undefined)).toBe(true);
      }
    });

    it('are found by the first id as long as the chain lasts, and never come back once it was narrowed too late', async () => {
      const first = await mint({ lifetime: { ttl: 10, refresh: { allowed: true, absolute: 7200 } } });
      const second = (await refreshGuest(server, first.refresh_token)).json;
      time.forward(1000);

      const late = await patch(first.id, fewer);

      expect(late).toMatchObject({ status: 409, json: { code: 'conflict' } });
      expect((await refreshGuest(server, second.refresh_token)).json.error).toBe('invalid_grant');
    });
  });

  it('take what was made from them along, also what was made from that', async () => {
    const parent = await mint();
    const child = (await exchange(server, { subject: parent.token, details: [detail()] })).json;
    const grandchild = (await exchange(server, { subject: child.access_token, details: [detail()] })).json;

    await patch(parent.id, { binding: { origins: ['https://app.acme.test'] }, lifetime: { ttl: 60 } });
    const bound = await introspect(server, parent.token, { origin: 'https://app.acme.test' });
    const later = await exchange(server, { subject: parent.token, details: [detail()] });

    expect(bound.json.active).toBe(true);
    for (const { access_token } of [child, grandchild]) {
      expect((await introspect(server, access_token)).json).toEqual(revoked);
    }
    expect(later.json.expires_in).toBeLessThanOrEqual(60);
    expect((await introspect(server, later.json.access_token)).json.guest_reason).toBe('origin_mismatch');
  });

  it('are not refreshed to what they were', async () => {
    const { id, refresh_token } = await mint({ lifetime: { ttl: 600, refresh: { allowed: true } } });

    await patch(id, { resources: [dashboard('dash-1')] });

    expect((await refreshGuest(server, refresh_token)).json.error).toBe('invalid_grant');
  });
});
