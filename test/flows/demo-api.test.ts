import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadRealmFiles } from '../../src/config/realm-files.ts';
import { findDemoRealm } from '../../src/demo/demo-realm.ts';
import { get, postForm } from '../support/http.ts';
import { acme, george } from '../support/realms.ts';
import { startTestServer } from '../support/server.ts';
import { ask, type Demo, mint, portal, startDemo } from './demo-support.ts';

let demo: Demo;

beforeAll(async () => {
  demo = await startDemo();
});

afterAll(async () => {
  await demo.stop();
});

describe('the analytics API', () => {
  it('answers with the rows of the token, newest first', async () => {
    const { status, json } = await ask(demo, await mint(demo));

    expect(status).toBe(200);
    expect(json.rows).toHaveLength(12);
    expect(json.rows[0]).toEqual({
      id: 'B-1012',
      tenant: 'blue',
      day: '2026-06-19',
      customer: 'Lindqvist & Co',
      amount: 7065,
    });
    expect(new Set(json.rows.map(({ tenant }: { tenant: string }) => tenant))).toEqual(new Set(['blue']));
  });

  it('asks who brings no token for one', async () => {
    const { status, headers, json } = await get(`${demo.url}/demo/api/orders`);

    expect({ status, challenge: headers.get('www-authenticate') }).toEqual({
      status: 401,
      challenge: 'Bearer realm="analytics"',
    });
    expect(json).not.toHaveProperty('rows');
  });

  const dead: readonly (readonly [string, string, (demo: Demo) => Promise<string>])[] = [
    ['is none', 'unknown', async () => 'nonsense'],
    ['was never issued', 'unknown', async () => `dpg_${'A'.repeat(43)}`],
    ['was revoked', 'revoked', revoked],
    ['has expired', 'expired', expired],
    ['is bound to another place', 'origin_mismatch', (at) => mint(at, {}, elsewhere)],
    ['is bound to a key', 'key_mismatch', (at) => mint(at, {}, keyBound)],
  ];
  const elsewhere = { binding: { origins: ['https://app.acme.test'] } };
  const keyBound = { binding: { key: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } } };

  async function revoked(at: Demo): Promise<string> {
    const token = await mint(at);
    await postForm(`${at.endpoint}/revoke`, { token }, { auth: portal });
    return token;
  }

  async function expired(at: Demo): Promise<string> {
    const token = await mint(at, {}, { lifetime: { ttl: 10 } });
    at.passTime(11_000);
    return token;
  }

  it.each(dead)('gives no row for a token that %s, and says %s', async (_, reason, tokenOf) => {
    const token = await tokenOf(demo);

    for (const path of ['orders', 'orders.csv', 'invoices', 'report']) {
      const { status, headers, json } = await ask(demo, token, path);

      expect({ status, json }).toEqual({
        status: 401,
        json: { error: 'invalid_token', error_description: reason },
      });
      expect(headers.get('www-authenticate')).toBe(
        `Bearer realm="analytics", error="invalid_token", error_description="${reason}"`,
      );
    }
  });

  it('gives no row to a person’s own token, which has no guest limits', async () => {
    const person = await postForm(`${demo.endpoint}/token`, george);

    const { status, json } = await ask(demo, person.json.access_token);

    expect({ status, error: json.error, rows: json.rows }).toEqual({
      status: 403,
      error: 'insufficient_scope',
      rows: undefined,
    });
  });

  const elsewhereOnly = 'the token does not open this';
  it.each([
    ['another dashboard', 'invoices', {}, elsewhereOnly],
    ['another kind of thing', 'report', {}, elsewhereOnly],
    ['a dashboard, with the pass of its neighbour', 'orders', { identifier: 'finance' }, elsewhereOnly],
    ['an action that is not on the pass', 'orders.csv', { actions: ['view'] }, elsewhereOnly],
    [
      'data that the row limits do not fit',
      'orders',
      { rows: { col: 'region', op: 'eq', value: 'EU' } },
      'its row limits do not fit this data',
    ],
    [
      'limits that it cannot apply',
      'orders',
      { columns: { deny: ['customer'] } },
      'it has limits that this API cannot apply',
    ],
  ])('refuses %s', async (_, path, resource, reason) => {
    const token = await mint(demo, resource);

    const { status, headers, json } = await ask(demo, token, path);

    expect({ status, json }).toEqual({
      status: 403,
      json: { error: 'insufficient_scope', error_description: reason },
    });
    expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"');
  });

  it('gives a neighbour’s dashboard to its own pass, so that it is the pass that decides', async () => {
    const token = await mint(demo, { identifier: 'finance' });

    const { status, json } = await ask(demo, token, 'invoices');

    expect({ status, rows: json.rows.length, first: json.rows[0].id }).toEqual({
      status: 200,
      rows: 12,
      first: 'IB-1012',
    });
  });

  it.each([
    "blue' OR '1'='1",
    "blue'; DROP TABLE orders; --",
    "' UNION SELECT * FROM orders --",
    'blue" OR ""="',
    '`tenant`',
    '%',
    '? OR 1=1',
  ])('takes the tenant %j for a value', async (tenant) => {
    const token = await mint(demo, { rows: { col: 'tenant', op: 'eq', value: tenant } });

    const { status, json } = await ask(demo, token);

    expect({ status, rows: json.rows }).toEqual({ status: 200, rows: [] });
  });

  it('gives no row for an empty list, and no more than the token’s limit', async () => {
    const nobody = await ask(demo, await mint(demo, { rows: { col: 'tenant', op: 'in', value: [] } }));
    const few = await ask(demo, await mint(demo, { limits: { max_rows: 2 } }));

    expect([nobody.json.rows.length, few.json.rows.length]).toEqual([0, 2]);
  });

  it('exports the same rows', async () => {
    const { status, headers, text } = await ask(demo, await mint(demo), 'orders.csv');
    const [head, first, ...others] = text.trimEnd().split('\r\n');

    expect({ status, type: headers.get('content-type'), head, first }).toEqual({
      status: 200,
      type: 'text/csv; charset=utf-8',
      head: 'id,tenant,day,customer,amount',
      first: '"B-1012","blue","2026-06-19","Lindqvist & Co","7065"',
    });
    expect(others).toHaveLength(11);
  });

  it('gives no row while the realm cannot be asked', async () => {
    const alone = await startDemo({ isApplied: false });
    onTestFinished(() => alone.stop());

    const { status, headers, json } = await ask(alone, `dpg_${'A'.repeat(43)}`);

    expect({ status, retry: headers.get('retry-after'), json }).toEqual({
      status: 503,
      retry: '1',
      json: { error: 'temporarily_unavailable', error_description: 'the pass could not be checked' },
    });
  });
});

describe('the portal’s backend', () => {
  const post = (path: string, body: string, headers: Record<string, string>) =>
    fetch(`${demo.url}/demo/portal/${path}`, { method: 'POST', body, headers });
  const json = { 'content-type': 'application/json' };

  it.each([
    ['another site', { ...json, 'sec-fetch-site': 'cross-site' }],
    ['a sibling site', { ...json, 'sec-fetch-site': 'same-site' }],
    ['another origin', { ...json, origin: 'https://evil.example' }],
    ['a form of anybody', { 'content-type': 'text/plain' }],
  ])('mints nothing for %s', async (_, headers) => {
    const response = await post('guest-token', '{"tenant":"blue"}', headers);

    expect({ status: response.status, body: await response.json() }).toEqual({
      status: 403,
      body: { error: 'access_denied', error_description: 'only the demo page may ask for this' },
    });
  });

  it.each([
    '{"tenant":"violet"}',
    '{"tenant":["blue"]}',
    '{"tenant":"green","tenant":"blue"}',
    '{}',
    '[]',
    'null',
    '{',
    '',
    `"${'x'.repeat(9000)}"`,
  ])('mints nothing for what names no customer (%#)', async (body) => {
    const response = await post('guest-token', body, json);

    expect(response.status).toBe(400);
  });

  it('shows the calls it made, without its own token', async () => {
    const response = await post('guest-token', '{"tenant":"blue"}', json);
    const answer = await response.text();

    expect(JSON.parse(answer)).toMatchObject({
      calls: [
        { title: 'The portal gets a token for itself' },
        {
          title: 'The portal exchanges it for a pass for Blue Ltd',
          curl: expect.stringContaining('subject_token="$PORTAL_TOKEN"'),
        },
      ],
    });
    expect(answer).not.toContain('dpa_');
  });
});

describe('a server without a demo realm', () => {
  it('has no demo', async () => {
    const server = await startTestServer({ realms: [acme()] });
    onTestFinished(() => server.stop());

    const answers = await Promise.all(
      ['/demo', '/demo/embed', '/demo/api/orders'].map((path) => get(`${server.url}${path}`)),
    );

    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('finds none among realms that are not marked as one', async () => {
    const files = (await loadRealmFiles('./config', {})).map(({ file }) => file);

    expect(findDemoRealm(files)).toMatchObject({
      name: 'acme',
      portalName: 'Partner Portal',
      loginClient: 'dc-ui',
    });
    expect(findDemoRealm(files.map((file) => ({ ...file, demo: false })))).toBeUndefined();
  });
});
