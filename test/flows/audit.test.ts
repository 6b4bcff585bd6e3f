/** What happens in a realm is in its audit log: who, what, to what, from where, with which outcome and request id. */
import { describe, expect, it } from 'vitest';
import { verifyAudit } from '../../src/audit/verify.ts';
import { admins } from '../admin/support.ts';
import { requestUrl, walk } from '../support/authorization.ts';
import { basic, postForm } from '../support/http.ts';
import { engines } from '../support/raw-store.ts';
import { george, engine as service } from '../support/realms.ts';
import { useServerOn } from '../support/use-server.ts';
import { auditedRealm, auditOf, head, type Query } from './audit-support.ts';
import { call, grant, mintGuest, portal } from './guest-support.ts';

const agent = { 'user-agent': 'audited/1.0', 'x-forwarded-for': '198.51.100.7' };
const source = { ip: '198.51.100.7', userAgent: 'audited/1.0' };

describe.each(engines)('on %s', (_name, open) => {
  const { engine, server } = useServerOn(open, {
    realms: [head, auditedRealm()],
    env: { DAYPASS_TRUST_PROXY: '127.0.0.1/32' },
  });
  const token = (form: Record<string, string>, auth?: readonly [string, string]) =>
    postForm(server.endpoint('acme', 'token'), form, { headers: agent, ...(auth && { auth }) });
  const idOf = ({ headers }: { readonly headers: Headers }) => headers.get('x-request-id') ?? 'none';
  const only = async (query: Query, requestId: string) => {
    const found = (await auditOf(server, query)).filter((event) => event.requestId === requestId);
    expect(found).toHaveLength(1);
    return found[0];
  };

  it('has logins, and why they failed', async () => {
    const right = await token(george);
    const wrong = await token({ ...george, password: 'wrong_password' });

    const done = await only({ kind: 'login.succeeded' }, idOf(right));
    expect(done).toMatchObject({
      outcome: 'success',
      client: 'dc-ui',
      source,
      details: { step: 'password' },
    });
    expect(done?.actor).toEqual({ kind: 'user', id: done?.object.id });
    expect(await only({ kind: 'login.failed' }, idOf(wrong))).toMatchObject({
      actor: { kind: 'stranger', id: done?.object.id },
      object: { kind: 'user', id: done?.object.id },
      outcome: 'failure',
      reason: 'credentials',
      client: 'dc-ui',
      source,
    });
  });

  it('has no token that was issued, and no introspection', async () => {
    const issued = await token({ grant_type: 'client_credentials' }, service);
    const asked = await postForm(
      server.endpoint('acme', 'token/introspect'),
      { token: issued.json.access_token },
      { auth: ['gateway', 'gateway-secret'] },
    );

    expect([issued.status, asked.json.active]).toEqual([200, true]);
    const ids = (await auditOf(server)).map(({ requestId }) => requestId);
    expect(ids.filter((id) => id === idOf(issued) || id === idOf(asked))).toEqual([]);
  });

  it('has what the token endpoint refuses', async () => {
    const refused = await token({ grant_type: 'client_credentials' }, ['ds-engine', 'wrong-secret']);

    expect(await only({ kind: 'token.refused' }, idOf(refused))).toMatchObject({
      actor: { kind: 'stranger' },
      object: { kind: 'token' },
      outcome: 'failure',
      source,
      details: { error: 'invalid_client' },
    });
  });

  it('has tokens that are revoked', async () => {
    const { json } = await token(george);
    const revoked = await postForm(
      server.endpoint('acme', 'revoke'),
      { token: json.refresh_token, client_id: 'dc-ui' },
      { headers: agent },
    );

    expect(await only({ kind: 'token.revoked' }, idOf(revoked))).toMatchObject({
      actor: { kind: 'client', id: 'dc-ui' },
      outcome: 'success',
      source,
    });
  });

  it('has guest tokens: minted, refused, revoked, by one name', async () => {
    const minted = await mintGuest(server, grant(), { headers: agent });
    const refused = await mintGuest(
      server,
      grant({ resources: [{ type: 'embed', id: 'e', actions: ['view'], rows: 'all' }] }),
      { headers: agent },
    );
    const { id } = minted.json;
    const revoked = await fetch(`${server.issuer('acme')}/guest-tokens/${id}`, {
      method: 'DELETE',
      headers: { ...agent, authorization: basic(portal) },
    });

    const actor = { kind: 'client', id: 'portal' };
    const object = { kind: 'guest', id };
    const own = { actor, client: 'portal', source };
    expect(await only({ object: id, kind: 'guest.minted' }, idOf(minted))).toMatchObject({ ...own, object });
    expect(await only({ object: id, kind: 'guest.revoked' }, idOf(revoked))).toMatchObject({
      ...own,
      object,
    });
    expect(await only({ kind: 'guest.refused' }, idOf(refused))).toMatchObject({
      ...own,
      outcome: 'failure',
      reason: expect.any(String),
      details: { pointer: expect.any(String) },
    });
  });

  it('has consents that a person gives and withdraws', async () => {
    const params = { scope: 'openid email reports:read' };
    const { visitor } = await walk(server, { clientId: 'asks-once', params });
    const page = await visitor.open('/realms/acme/account');
    await visitor.submit(page, {}, '/withdraw');

    const question = await visitor.open(
      requestUrl(server, { clientId: 'asks-once', params: { ...params, scope: 'openid phone' } }),
    );
    await visitor.submit(question, { decision: 'deny' });

    for (const kind of ['consent.given', 'consent.withdrawn', 'consent.declined']) {
      const [event] = await auditOf(server, { kind });
      expect(event).toMatchObject({
        actor: { kind: 'user', id: expect.any(String) },
        object: { kind: 'consent', id: 'asks-once' },
        outcome: 'success',
        requestId: expect.any(String),
        source: { ip: '127.0.0.1' },
      });
    }
  });

  it('has sessions that people end, wherever they do', async () => {
    const { visitor } = await walk(server, { clientId: 'asks-once', params: { scope: 'openid' } });
    const elsewhere = await walk(server, { clientId: 'asks-once', params: { scope: 'openid' } });
    const page = await visitor.open('/realms/acme/account');
    await visitor.submit(page, {}, '/end-other-sessions');
    const [other] = await auditOf(server, { kind: 'session.ended' });
    const confirm = await visitor.open(server.endpoint('acme', 'logout'));
    await visitor.submit(confirm, { logout: 'yes' });
    const [own] = await auditOf(server, { kind: 'session.ended' });

    expect(elsewhere.visitor).toBeDefined();
    for (const event of [other, own]) {
      expect(event).toMatchObject({
        actor: { kind: 'user', id: expect.any(String) },
        object: { kind: 'session', id: expect.any(String) },
        outcome: 'success',
        requestId: expect.any(String),
      });
    }
    expect(own?.object.id).not.toBe(other?.object.id);
  });

  it('has who revoked many guest tokens by one write', async () => {
    const revoked = await call(
      server,
      'POST',
      '/guest-tokens/revoke',
      { tenant: 'blue' },
      { headers: agent },
    );

    expect(revoked.status).toBe(200);
    expect(await only({ kind: 'guest.mass_revoked' }, idOf(revoked))).toMatchObject({
      actor: { kind: 'client', id: 'portal' },
      source,
      details: { selector: 'tenant' },
    });
  });

  it('has callers that the APIs of its own do not let in', async () => {
    const asSupport = await admins(server, 'acme', 'support');
    const forbidden = await asSupport({ method: 'POST', path: '/realms/acme/keys/rotate', body: {} });
    const wrong = { auth: ['portal', 'wrong-secret'] as const, headers: agent };
    const unknown = await mintGuest(server, grant(), wrong);

    expect([forbidden.status, unknown.status]).toEqual([403, 401]);
    expect(await only({ kind: 'access.refused', actor: 'support' }, idOf(forbidden))).toMatchObject({
      actor: { kind: 'client', id: 'support' },
      object: { kind: 'api', id: 'admin' },
      outcome: 'failure',
      reason: 'forbidden',
      details: { operation: 'rotateKeys' },
    });
    expect(await only({ kind: 'access.refused', actor: 'stranger' }, idOf(unknown))).toMatchObject({
      object: { kind: 'api', id: 'guest-tokens' },
      reason: 'unauthenticated',
      source,
    });
  });

  it('has clients that register themselves', async () => {
    const registered = await fetch(`${server.issuer('acme')}/clients-registrations/openid-connect`, {
      method: 'POST',
      headers: { ...agent, 'content-type': 'application/json' },
      body: JSON.stringify({ redirect_uris: ['https://client.example/cb'] }),
    });
    const { client_id: id, client_secret: secret } = (await registered.json()) as Record<string, string>;

    expect(await only({ kind: 'client.registered' }, idOf(registered))).toMatchObject({
      object: { id },
      source,
    });
    const [created] = await auditOf(server, { kind: 'client.created', object: id ?? '' });
    expect(created).toMatchObject({ actor: { kind: 'server' }, changes: { secret: { after: '(hidden)' } } });
    expect(JSON.stringify(await auditOf(server))).not.toContain(secret);
  });

  it('has what administrators change, before and after, without secrets and personal data', async () => {
    const admin = await admins(server, head.name, 'root');
    const path = '/realms/acme/clients/ds-engine';
    const headers = { 'If-Match': '*', ...agent };
    const changed = await admin({ method: 'PATCH', path, body: { accessTokenTtl: 77 }, headers });
    const renewed = await admin({ method: 'POST', path: `${path}/secret`, body: {}, headers });
    const user = await admin({
      method: 'POST',
      path: '/realms/acme/users',
      body: { username: 'ida.private', email: 'ida@private.test', password: 'a_private_password' },
      headers,
    });

    const actor = { kind: 'client', id: 'root', realm: head.name };
    expect(await only({ object: 'client:ds-engine' }, idOf(changed))).toEqual({
      id: expect.any(String),
      time: expect.any(String),
      kind: 'client.changed',
      actor,
      object: { kind: 'client', id: 'ds-engine' },
      outcome: 'success',
      source,
      requestId: idOf(changed),
      changes: { accessTokenTtl: { after: 77 } },
    });
    expect(renewed.status).toBe(201);
    expect(await only({ actor: 'root' }, idOf(renewed))).toMatchObject({
      changes: { secret: { before: '(hidden)', after: '(hidden)' } },
    });
    const created = await only({ kind: 'user.created' }, idOf(user));
    expect(created).toMatchObject({
      actor,
      changes: { username: { after: '(hidden)' }, roles: { after: [] } },
    });
    const told = JSON.stringify(await auditOf(server));
    expect(told).not.toMatch(/ida\.private|ida@private|argon2/);
  });

  it('has what administrators do to sessions and keys', async () => {
    const admin = await admins(server, head.name, 'root');
    const { id: user } = (await admin({ path: '/realms/acme/users?search=george' })).body.items[0];
    const ended = await admin({ method: 'DELETE', path: `/realms/acme/users/${user}/sessions` });
    const rotated = await admin({ method: 'POST', path: '/realms/acme/keys/rotate', body: {} });

    expect([ended.status, rotated.status]).toEqual([200, 200]);
    expect(await only({ kind: 'user.revoke' }, idOf(ended))).toMatchObject({
      object: { kind: 'user', id: user },
    });
    expect(await only({ kind: 'keys.rotate' }, idOf(rotated))).toMatchObject({ actor: { id: 'root' } });
    expect((await auditOf(server, { kind: 'keys' })).map(({ kind }) => kind)).toContain('keys.created');
    expect((await auditOf(server, { kind: 'revocation', object: user }))[0]?.details).toMatchObject({
      nodes: [`u:${user}`],
    });
  });

  it('is kept for as long as the realm says, which an administrator changes', async () => {
    const admin = await admins(server, head.name, 'root');
    const changed = await admin({
      method: 'PATCH',
      path: '/realms/acme',
      body: { audit: { days: 30 } },
      headers: { 'If-Match': '*' },
    });
    const refused = await admin({
      method: 'PATCH',
      path: '/realms/acme',
      body: { audit: { days: 0 } },
      headers: { 'If-Match': '*' },
    });

    expect([changed.status, refused.status]).toEqual([200, 400]);
    expect(await only({ kind: 'realm.changed' }, idOf(changed))).toMatchObject({
      object: { kind: 'realm', id: 'acme' },
      changes: { audit: { before: { days: 90 }, after: { days: 30 } } },
    });
  });

  it('counts equal failures in one event', async () => {
    const wrong = { ...george, username: 'nobody-here', password: 'wrong_password' };
    await Promise.all(Array.from({ length: 5 }, () => token(wrong)));

    const events = (await auditOf(server, { kind: 'login.failed' })).filter(
      ({ object }) => object.id === undefined,
    );
    expect(events.reduce((total, { count = 1 }) => total + count, 0)).toBe(5);
    expect(JSON.stringify(events)).not.toContain('nobody-here');
  });

  it('is found by time, a page at a time, each event once and in order', async () => {
    const all = await auditOf(server);
    const times = all.map(({ time }) => time);
    const middle = times[Math.floor(times.length / 2)] ?? '';

    expect(times).toEqual([...times].sort().reverse());
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const paged = await auditOf(server, { limit: '3', to: times[0] ?? '' });
    expect(paged.slice(-all.length).map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    const late = await auditOf(server, { from: middle });
    const early = await auditOf(server, { to: middle });
    expect(late.every(({ time }) => time >= middle)).toBe(true);
    expect(early.map(({ id }) => id)).toEqual(all.filter(({ time }) => time <= middle).map(({ id }) => id));
  });

  it('refuses a query that it cannot answer', async () => {
    const admin = await admins(server, head.name, 'root');
    const statusOf = async (query: string) => (await admin({ path: `/realms/acme/audit?${query}` })).status;

    for (const query of [
      'from=yesterday',
      'limit=0',
      'kind=LOGIN',
      'cursor=AAAA',
      'cursor=%21',
      'nonsense=1',
    ]) {
      expect([query, await statusOf(query)]).toEqual([query, 400]);
    }
  });

  it('is whole, and holds no secret', async () => {
    await server.services.audit.flush();
    const verified = await verifyAudit({ ...server.services, digest: server.services.sealer.digest }, 'acme');

    expect(verified).toMatchObject({ faults: [] });
    expect(verified.events).toBeGreaterThan(20);
    const stored = (await engine.records('acme', 'audit')).map(({ value }) => value).join('\n');
    expect(stored.length).toBeGreaterThan(1000);
    expect(stored).not.toMatch(/my_password|wrong_password|private_password|-secret"|dpg_|dpc_|argon2/);
  });
});
