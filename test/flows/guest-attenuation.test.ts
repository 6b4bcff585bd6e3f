/** A narrower guest token made from a guest token: child ⊆ parent, and what kills the parent kills the child. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { recordWrites } from '../../src/guest/issue/writes.ts';
import { decodeGuest } from '../../src/guest/record/guest-record.ts';
import { familyNode } from '../../src/revocation/guest-nodes.ts';
import { tokenKey } from '../../src/revocation/nodes.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  movableClock,
  nextMillisecond,
  ownRows,
  portal,
  session,
} from './guest-support.ts';

describe('the exchange of a guest token', () => {
  let server: TestServer;
  const time = movableClock();

  beforeAll(async () => {
    server = await startTestServer({ realms: [guestRealm()], adapt: time.adapt });
  });
  afterAll(() => server.stop());

  const parentOf = async (overrides: Record<string, unknown> = {}) =>
    (await mintGuest(server, grant(overrides))).json;
  const childOf = (token: string, details: unknown, auth = portal) =>
    exchange(server, { subject: token, details, auth });

  it('dies with its parent by a cut of what the parent was narrowed by before', async () => {
    const dashboard = (id: string) => ({ type: 'dashboard', id, actions: ['view'], rows: ownRows });
    const parent = await parentOf({ resources: [dashboard('k1'), dashboard('k2')] });
    await call(server, 'PATCH', `/guest-tokens/${parent.id}`, { resources: [dashboard('k1')] });
    const only = [detail({ identifier: 'k1', actions: ['view'] })];
    const child = (await childOf(parent.token, only)).json.access_token;
    const grandchild = (await childOf(child, only)).json.access_token;
    expect((await introspect(server, grandchild)).json.active).toBe(true);

    await call(server, 'POST', '/guest-tokens/revoke', { resource: 'k2' });

    for (const token of [parent.token, child, grandchild]) {
      expect((await introspect(server, token)).json).toEqual({ active: false, guest_reason: 'revoked' });
    }
  });

  it('dies with its parent by a cut of what was issued before the child', async () => {
    const parent = await parentOf({ subject: { tenant: 'early', id: 'u' } });
    const before = new Date(nextMillisecond()).toISOString();
    const child = (await childOf(parent.token, [detail({ actions: ['view'] })])).json.access_token;

    await call(server, 'POST', '/guest-tokens/revoke', { tenant: 'early', issued_before: before });

    for (const token of [parent.token, child]) {
      expect((await introspect(server, token)).json).toEqual({ active: false, guest_reason: 'revoked' });
    }
  });

  it('gives a narrower one: child rows are parent and child', async () => {
    const parent = await parentOf();
    const child = await childOf(parent.token, [
      detail({ actions: ['view'], rows: { col: 'state', op: 'eq', value: 'CA' } }),
    ]);

    expect(child.json.authorization_details[0]).toMatchObject({
      actions: ['view'],
      rows: { and: [ownRows, { col: 'state', op: 'eq', value: 'CA' }] },
    });
  });

  it.each<[string, unknown]>([
    ['wider rows', [detail({ rows: 'all' })]],
    ['other rows of the same column', [detail({ rows: { ...ownRows, value: 'green' } })]],
    ['one action more', [detail({ actions: ['view', 'filter', 'export:csv'] })]],
    ['another resource', [detail({ identifier: 'dash-2' })]],
    ['a later end', [detail(), session({ lifetime: { ttl: 601 } })]],
    ['no end', [detail(), session({ lifetime: { ttl: null } })]],
    ['another guest', [detail(), session({ subject: { tenant: 'green', id: 'u_42' } })]],
    ['another network', [detail(), session({ binding: { ip: ['198.51.100.0/24'] } })]],
    ['a data source', [detail(), session({ context: { datasource: 'us' } })]],
    ['an environment', [detail(), session({ context: { environment: 'staging' } })]],
    ['domains', [detail(), session({ context: { domains: { mode: 'include', ids: ['hr'] } } })]],
    ['a refresh token', [detail(), session({ lifetime: { ttl: 60, refresh: { allowed: true } } })]],
  ])('refuses a child with %s', async (_what, details) => {
    const parent = await parentOf({ binding: { ip: ['203.0.113.0/24'] } });

    const answer = await childOf(parent.token, details);

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_authorization_details' } });
  });

  it('ends no later than its parent, however old that is', async () => {
    const parent = await parentOf();
    time.forward(400);

    const later = await childOf(parent.token, [detail(), session({ lifetime: { ttl: 300 } })]);
    const child = await childOf(parent.token, [detail()]);

    expect(later).toMatchObject({ status: 400, json: { error: 'invalid_authorization_details' } });
    expect(child.json.expires_in).toBeLessThanOrEqual(200);
  });

  it('counts every use of the child as one of the parent, and the exchange as none', async () => {
    const parent = await parentOf({ lifetime: { ttl: 600, max_uses: 3 } });
    const child = await childOf(parent.token, [detail()]);

    const answers = [];
    for (let use = 0; use < 4; use += 1)
      answers.push((await introspect(server, child.json.access_token)).json.active);

    expect(answers).toEqual([true, true, true, false]);
    expect((await introspect(server, parent.token)).json).toEqual({
      active: false,
      guest_reason: 'max_uses',
    });
  });

  it('leaves the one use of a token to whichever of the two is used first', async () => {
    const parent = await parentOf({ lifetime: { ttl: 600, one_time: true } });
    const child = await childOf(parent.token, [detail()]);

    expect((await introspect(server, child.json.access_token)).json.active).toBe(true);
    expect((await introspect(server, parent.token)).json.guest_reason).toBe('max_uses');
    expect((await childOf(parent.token, [detail()])).json.error).toBe('invalid_request');
  });

  it('uses nothing up when it is refused', async () => {
    const parent = await parentOf({ lifetime: { ttl: 600, max_uses: 1 } });

    const refusals = [
      await childOf(parent.token, [detail({ rows: 'all' })]),
      await exchange(server, { subject: parent.token, details: [detail()], more: { scope: 'guest:edit' } }),
      await exchange(server, { subject: parent.token, details: [detail()], more: { audience: 'warehouse' } }),
      await exchange(server, { subject: parent.token, details: '{' }),
    ];

    expect(refusals.map(({ status }) => status)).toEqual([400, 400, 400, 400]);
    expect((await introspect(server, parent.token)).json.active).toBe(true);
  });

  it.each<[string, object]>([
    ['its tenant', { tenant: 'blue' }],
    ['its client', { client: 'portal' }],
    ['its label', { label: 'partner' }],
    ['one of its resources', { resource: 'dash-2' }],
  ])('dies with the parent when %s is cut', async (_what, selector) => {
    const resources = ['dash-1', 'dash-2'].map((id) => ({
      type: 'dashboard',
      id,
      actions: ['view'],
      rows: ownRows,
    }));
    const parent = await parentOf({ label: 'partner', resources });
    const child = await childOf(parent.token, [detail({ actions: ['view'] })]);
    const grandchild = await childOf(child.json.access_token, [detail({ actions: ['view'] })]);

    await call(server, 'POST', '/guest-tokens/revoke', selector);

    for (const token of [parent.token, child.json.access_token, grandchild.json.access_token]) {
      expect((await introspect(server, token)).json).toEqual({ active: false, guest_reason: 'revoked' });
    }
  });

  it('ends somewhere: a chain without an end is refused and never breaks the server', async () => {
    const parent = await parentOf();
    await deepen(parent.token, 1000);
    const chain = [parent.token];
    let status = 200;
    for (let depth = 0; depth < 20 && status === 200; depth += 1) {
      const child = await childOf(chain.at(-1), [detail()]);
      status = child.status;
      if (status === 200) chain.push(child.json.access_token);
    }

    expect(status).toBe(400);
    expect(chain.length).toBeGreaterThan(2);
    expect((await introspect(server, chain.at(-1))).json.active).toBe(true);
    await call(server, 'DELETE', `/guest-tokens/${parent.id}`);
    expect((await introspect(server, chain.at(-1))).json.active).toBe(false);
  });

  /** Files a token as if it had so many more ancestors: it hangs below the family of each. */
  async function deepen(token: string, count: number): Promise<void> {
    const { store } = server.services;
    const hash = sha256(token);
    const [document] = await store.read([tokenKey('acme', hash)]);
    const record = decodeGuest(document?.value ?? '');
    if (record === undefined) throw new Error('there is no such token');
    const ancestors = Array.from({ length: count }, (_, at) => familyNode(`gt_ancestor${at}`));
    const deep = { ...record, inherited: [...record.inherited, ...ancestors] };
    await store.commit(recordWrites('acme', deep, hash));
  }
});
