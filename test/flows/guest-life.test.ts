/** Guest tokens after minting: who sees, narrows and cuts which, and what a cut reaches. */
import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { useServerOn } from '../support/use-server.ts';
import {
  call,
  grant,
  guestRealm,
  introspect,
  keeper,
  mintGuest,
  other,
  ownApiToken,
  ownRows,
  portal,
  refreshGuest,
} from './guest-support.ts';

const revoked = { active: false, guest_reason: 'revoked' };

describe.each(engines)('guest tokens that exist, on the %s store', (_name, open) => {
  const users = [{ username: 'ada', password: 'ada_password', roles: ['keeper'] }];
  const { server } = useServerOn(open, { realms: [guestRealm({ users })] });

  const mint = async (overrides: Record<string, unknown> = {}, auth: readonly [string, string] = portal) =>
    (await mintGuest(server, grant(overrides), { auth })).json;
  const isActive = async (token: string) => (await introspect(server, token)).json.active;
  const dashboard = (id: string, type = 'dashboard') => ({ type, id, actions: ['view'], rows: ownRows });

  it('are listed by what they are, page by page, without their value', async () => {
    const tenant = 'listed';
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      await mint({
        subject: { tenant, id },
        label: id < 'c' ? 'early' : 'late',
        resources: [dashboard(`dash-${id}`)],
      });
    }
    const list = async (query: string) =>
      (await call(server, 'GET', `/guest-tokens?tenant=${tenant}${query}`)).json;

    const first = await list('&limit=3');
    const second = await list(`&limit=3&cursor=${first.next_cursor}`);

    const all = [...first.guest_tokens, ...second.guest_tokens];
    expect(all.map((one) => one.subject.id).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(second.next_cursor).toBeNull();
    expect(JSON.stringify(all)).not.toContain('dpg_');
    expect((await list('&subject=b')).guest_tokens).toMatchObject([{ state: 'active', client: 'portal' }]);
    expect((await list('&label=late')).guest_tokens).toHaveLength(3);
    expect((await list('&resource=dash-a')).guest_tokens).toHaveLength(1);
    expect((await list('&resource=dashboard:dash-a')).guest_tokens).toHaveLength(1);
    expect((await list('&state=revoked')).guest_tokens).toEqual([]);
    const { id } = all[0];
    await call(server, 'DELETE', `/guest-tokens/${id}`);
    expect((await list('&state=revoked')).guest_tokens).toMatchObject([{ id }]);
  });

  it.each(['limit=0', 'limit=101', 'state=alive', 'colour=blue', 'cursor=%00', 'tenant=a&tenant=b'])(
    'are not listed by %s',
    async (query) => {
      expect(await call(server, 'GET', `/guest-tokens?${query}`)).toMatchObject({
        status: 400,
        json: { code: 'invalid_request' },
      });
    },
  );

  it("are nobody else's at the revocation endpoint either, by any of their values", async () => {
    const lifetime = { refresh: { allowed: true } };
    const { token, refresh_token } = await mint({ lifetime });
    const revoke = (value: string, auth: readonly [string, string]) =>
      postForm(server.endpoint('acme', 'revoke'), { token: value }, { auth });

    const answers = [await revoke(token, other), await revoke(refresh_token, other)];

    expect(answers.map(({ status, text }) => [status, text])).toEqual(answers.map(() => [200, '{}']));
    expect(await isActive(token)).toBe(true);
    await revoke(refresh_token, portal);
    expect(await isActive(token)).toBe(false);
  });

  it("are nobody else's: not to be seen, changed or cut", async () => {
    const { id, token } = await mint({ subject: { tenant: 'mine', id: 'u' }, label: 'mine' });
    const auth = other;

    for (const [method, path, body] of [
      ['GET', `/guest-tokens/${id}`],
      ['GET', `/guest-tokens/${id}/events`],
      ['PATCH', `/guest-tokens/${id}`, { lifetime: { ttl: 60 } }],
      ['DELETE', `/guest-tokens/${id}`],
      ['GET', '/guest-tokens/gt_nobody'],
    ] as const) {
      expect(await call(server, method, path, body, { auth })).toMatchObject({
        status: 404,
        json: { code: 'not_found' },
      });
    }
    for (const query of ['tenant=mine', 'client=portal', 'label=mine']) {
      expect(
        (await call(server, 'GET', `/guest-tokens?${query}`, undefined, { auth })).json.guest_tokens,
      ).toEqual([]);
    }
    for (const body of [
      { tenant: 'mine' },
      { tenant: 'mine', subject: 'u' },
      { resource: 'dash-1' },
      { label: 'mine' },
      { ids: [id] },
    ]) {
      expect((await call(server, 'POST', '/guest-tokens/revoke', body, { auth })).status).toBe(200);
    }
    expect((await call(server, 'POST', '/guest-tokens/revoke', { client: 'portal' }, { auth })).status).toBe(
      403,
    );
    expect(await isActive(token)).toBe(true);
  });

  it("are the whole realm's to who has guests:manage, client or user", async () => {
    const { id, token } = await mint({ subject: { tenant: 'kept', id: 'u' } });
    const user = await postForm(server.endpoint('acme', 'token'), {
      grant_type: 'password',
      client_id: 'dc-ui',
      username: 'ada',
      password: 'ada_password',
      resource: 'urn:daypass:admin',
    });
    const bearer = { headers: { authorization: `Bearer ${user.json.access_token}` } };

    const seen = await call(server, 'GET', `/guest-tokens/${id}`, undefined, bearer);
    const listed = await call(server, 'GET', '/guest-tokens?tenant=kept', undefined, { auth: keeper });
    const everything = await call(server, 'GET', '/guest-tokens', undefined, bearer);
    const cut = await call(server, 'POST', '/guest-tokens/revoke', { tenant: 'kept' }, bearer);

    expect(seen.json).toMatchObject({ id, client: 'portal' });
    expect(listed.json.guest_tokens).toMatchObject([{ id }]);
    expect(everything.status).toBe(400);
    expect(cut).toMatchObject({ status: 200, json: { cut: { tenant: 'kept' } } });
    expect(await isActive(token)).toBe(false);
    expect((await mintGuest(server, grant(), bearer)).json.code).toBe('unauthorized_client');
  });

  it.each<[string, object]>([
    ['tenant', { tenant: 'cut' }],
    ['tenant and subject', { tenant: 'cut', subject: 'u_1' }],
    ['tenant and resource', { tenant: 'cut', resource: 'dash-9' }],
    ['tenant and qualified resource', { tenant: 'cut', resource: 'dashboard:dash-9' }],
    ['resource', { resource: 'dash-9' }],
    ['custom resource', { resource: 'story-9' }],
    ['label', { label: 'campaign' }],
    ['client', { client: 'portal' }],
  ])('die by one cut of their %s, and what is minted afterwards lives', async (_what, selector) => {
    const subject = { tenant: 'cut', id: 'u_1' };
    const resources = [dashboard('dash-9'), dashboard('story-9', 'custom:story')];
    const wanted = { subject, resources, label: 'campaign' };
    const before = await mint(wanted);

    const answer = await call(server, 'POST', '/guest-tokens/revoke', selector);
    const after = await mint(wanted);

    expect(answer).toMatchObject({
      status: 200,
      json: { cut: selector, issued_before: expect.stringMatching(/Z$/) },
    });
    expect((await introspect(server, before.token)).json).toEqual(revoked);
    expect(await isActive(after.token)).toBe(true);
  });

  it.each<[string, object]>([
    ['nothing', {}],
    ['a subject without its tenant', { subject: 'u' }],
    ['two selectors', { tenant: 'a', label: 'b' }],
    ['three parts', { tenant: 'a', subject: 'b', resource: 'c' }],
    ['ids and a selector', { ids: ['gt_1'], tenant: 'a' }],
    ['ids before a time', { ids: ['gt_1'], issued_before: 1 }],
    ['no ids', { ids: [] }],
    ['a time that is none', { tenant: 'a', issued_before: 'yesterday' }],
    ['a time without a zone', { tenant: 'a', issued_before: '2026-01-01T00:00:00' }],
    ['an unknown field', { tenants: ['a'] }],
  ])('are not cut by %s', async (_what, body) => {
    expect(await call(server, 'POST', '/guest-tokens/revoke', body)).toMatchObject({
      status: 400,
      json: { code: 'invalid_request' },
    });
  });

  it('die by id, and others do not', async () => {
    const [a, b, c] = [await mint(), await mint(), await mint()];

    await call(server, 'POST', '/guest-tokens/revoke', { ids: [a.id, b.id, 'gt_nobody'] });

    expect([await isActive(a.token), await isActive(b.token), await isActive(c.token)]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('die of a cut of what was issued before some time, also when they were narrowed after it', async () => {
    const subject = { tenant: 'stamped', id: 'u' };
    const old = await mint({ subject, lifetime: { ttl: 600, refresh: { allowed: true } } });
    const narrowed = await mint({ subject });
    const { json: between } = await call(server, 'POST', '/guest-tokens/revoke', { label: 'a clock' });
    await call(server, 'PATCH', `/guest-tokens/${narrowed.id}`, { lifetime: { ttl: 60 } });
    const refreshed = await refreshGuest(server, old.refresh_token);
    const young = await mint({ subject });
    const sinceThen = Date.parse(between.issued_before) / 1000;

    await call(server, 'POST', '/guest-tokens/revoke', {
      tenant: 'stamped',
      issued_before: between.issued_before,
    });

    expect(sinceThen).toBeGreaterThan(0);
    expect(await isActive(old.token)).toBe(false);
    expect(await isActive(narrowed.token)).toBe(false);
    expect(await isActive(young.token)).toBe(true);
    expect((await call(server, 'GET', `/guest-tokens/${narrowed.id}`)).json.state).toBe('revoked');
    expect((await refreshGuest(server, refreshed.json.refresh_token)).json.error).toBe('invalid_grant');
  });

  it('take their refresh tokens along', async () => {
    const body = {
      subject: { tenant: 'refreshed', id: 'u' },
      lifetime: { ttl: 600, refresh: { allowed: true } },
    };
    const [one, two, three] = [await mint(body), await mint(body), await mint(body)];
    await call(server, 'DELETE', `/guest-tokens/${one.id}`);
    const renewed = (await refreshGuest(server, two.refresh_token)).json;
    const [{ id }] = (
      await call(server, 'GET', '/guest-tokens?tenant=refreshed&state=active')
    ).json.guest_tokens.filter((guest: { parent?: string }) => guest.parent === two.id);
    await call(server, 'DELETE', `/guest-tokens/${id}`);
    await call(server, 'POST', '/guest-tokens/revoke', { tenant: 'refreshed' });

    for (const token of [one.refresh_token, renewed.refresh_token, three.refresh_token]) {
      expect((await refreshGuest(server, token)).json.error).toBe('invalid_grant');
    }
    expect(await isActive(renewed.access_token)).toBe(false);
  });

  it('hang on everything, however much that is', async () => {
    const tenant = 'many';
    const resources = Array.from({ length: 100 }, (_, index) => dashboard(`dash-many-${index}`));
    const wide = {
      subject: { tenant, id: 'u' },
      resources,
      lifetime: { ttl: 600, refresh: { allowed: true } },
    };
    const [first, second] = [await mint(wide), await mint(wide)];
    const child = await postForm(
      server.endpoint('acme', 'token'),
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: second.token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        authorization_details: JSON.stringify([
          {
            type: 'embed_resource',
            identifier: 'dash-many-0',
            datatypes: ['dashboard'],
            actions: ['view'],
            rows: ownRows,
          },
        ]),
      },
      { auth: portal },
    );
    expect([await isActive(first.token), await isActive(child.json.access_token)]).toEqual([true, true]);
    expect((await refreshGuest(server, first.refresh_token)).status).toBe(200);
    const narrowed = await mint(wide);
    const { json: then } = await call(server, 'POST', '/guest-tokens/revoke', { label: 'a clock' });
    const change = { resources: [dashboard('dash-many-98'), dashboard('dash-many-99')] };
    await call(server, 'PATCH', `/guest-tokens/${narrowed.id}`, change);
    expect(await isActive(narrowed.token)).toBe(true);

    await call(server, 'POST', '/guest-tokens/revoke', {
      resource: 'dash-many-99',
      issued_before: then.issued_before,
    });

    expect(await isActive(narrowed.token)).toBe(false);
    for (const token of [first.token, second.token, child.json.access_token]) {
      expect((await introspect(server, token)).json).toEqual(revoked);
    }
    expect((await refreshGuest(server, second.refresh_token)).json.error).toBe('invalid_grant');
  });

  it('have a trail', async () => {
    const { id, token, refresh_token } = await mint({
      lifetime: { ttl: 600, refresh: { allowed: true } },
      binding: { ip: ['203.0.113.7'] },
    });
    await introspect(server, token, { ip: '203.0.113.7' });
    await introspect(server, token, { ip: '203.0.113.8' });
    await refreshGuest(server, refresh_token);
    await call(server, 'PATCH', `/guest-tokens/${id}`, { lifetime: { ttl: 60 } });
    await call(server, 'DELETE', `/guest-tokens/${id}`);

    const { json } = await call(server, 'GET', `/guest-tokens/${id}/events`);

    expect(json.events.map((one: { event: string }) => one.event).sort()).toEqual([
      'guest.denied',
      'guest.minted',
      'guest.narrowed',
      'guest.refreshed',
      'guest.revoked',
      'guest.used',
    ]);
  });

  it('end with their client', async () => {
    const { token } = await mint({}, other);
    const bearer = (
      await mintGuest(server, grant(), { headers: { authorization: `Bearer ${await ownApiToken(server)}` } })
    ).json;
    const { registry } = server.services;

    for (const id of ['other', 'portal'])
      await registry.updateClient('acme', id, (client) => ({ ...client, enabled: false }));

    expect((await introspect(server, token)).json).toEqual(revoked);
    expect((await introspect(server, bearer.token)).json).toEqual(revoked);
    expect((await mintGuest(server, grant(), { auth: other })).status).toBe(401);
  });
});
