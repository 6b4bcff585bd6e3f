/** Native tokens that are made for a link: the answer has the address, and it leads to the viewer. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { basic } from '../support/http.ts';
import { type FacadeServer, send, startFacades, startFor, withSection } from './support.ts';

const report = 'team:sales-dashboard';

let server: FacadeServer;
beforeAll(async () => {
  server = await startFacades({ change: withSection('informer', { reports: [report, 'second'] }) });
});
afterAll(() => server?.stop());

const one = (more: object = {}) => ({ type: 'report', id: report, actions: ['view'], rows: 'all', ...more });
const grant = (more: object = {}) => ({
  subject: { tenant: 'blue', type: 'anonymous' },
  resources: [one()],
  purpose: 'public_link',
  ...more,
});
const headers = { authorization: basic(['portal', 'portal-secret']) };
const mint = (more: object = {}, on = server) =>
  send(`${on.base}/guest-tokens`, { body: grant(more), headers });
const open = (value: string, on = server) => send(`${on.base}/view/${value}`, { method: 'GET' });

describe('a token for a public link', () => {
  it.each(['opaque', 'uuid'])(
    '(%s) has an address that leads to the viewer until it is revoked',
    async (format) => {
      const { json } = await mint({ format });
      const href = json._links.view.href;

      const opened = await send(href, { method: 'GET' });
      const payload = await server.introspect(json.token, { resource: `report:${report}` });
      await send(`${server.base}/guest-tokens/${json.id}`, { method: 'DELETE', headers });
      const later = await send(href, { method: 'GET' });

      expect(href).toBe(`${server.base}/view/${json.token}`);
      expect([opened.status, opened.headers.get('location')]).toEqual([
        302,
        `http://localhost:3000/demo/report?token=${json.token}`,
      ]);
      expect(payload.allowed).toBe(true);
      expect(later.status).toBe(404);
    },
  );

  it('has it each in a batch, and again for the same idempotency key', async () => {
    const batch = await send(`${server.base}/guest-tokens/batch`, {
      body: { tokens: [grant(), grant({ purpose: 'embed' })] },
      headers,
    });
    const again = { ...headers, 'idempotency-key': 'link-1' };
    const [first, second] = [
      await send(`${server.base}/guest-tokens`, { body: grant(), headers: again }),
      await send(`${server.base}/guest-tokens`, { body: grant(), headers: again }),
    ];

    const links = batch.json.results.map(({ _links }: { _links: object }) => 'view' in _links);
    expect(links).toEqual([true, false]);
    expect(second.text).toBe(first.text);
    expect(second.json._links.view.href).toContain(first.json.token);
  });

  it.each<[string, object]>([
    ['is to be embedded', { purpose: 'embed' }],
    ['is for another type', { resources: [one({ type: 'dashboard' })] }],
    ['is for a report that the section does not know', { resources: [one({ id: 'unknown' })] }],
    ['is for two reports', { resources: [one(), one({ id: 'second' })] }],
    ['is signed', { format: 'jwt' }],
    ['is bound to a key', { binding: { key: { jkt: 'x'.repeat(43) } } }],
  ])('has none, nor does one lead anywhere, when it %s', async (_what, more) => {
    const { status, json } = await mint(more);

    expect([status, Object.keys(json._links)]).toEqual([201, ['self', 'revoke', 'events']]);
    expect((await open(json.token)).status).toBe(404);
  });

  it.each<[string, object]>([
    ['names no viewer', { viewer: undefined }],
    ['is off', { enabled: false }],
    ['is for another API', { api: 'warehouse' }],
  ])('has none where the section %s', async (_what, section) => {
    const own = await startFor({ change: withSection('informer', section) });

    const { status, json } = await mint({}, own);

    expect([status, Object.keys(json._links)]).toEqual([201, ['self', 'revoke', 'events']]);
    expect((await open(json.token, own)).status).toBe(404);
  });

  it('is in no other answer: the value is not kept', async () => {
    const { json } = await mint();
    const found = await send(`${server.base}/guest-tokens/${json.id}`, { method: 'GET', headers });
    const tried = await mint({ dry_run: true });

    expect(found.text).not.toContain(json.token);
    expect(found.json._links).not.toHaveProperty('view');
    expect(tried.json).not.toHaveProperty('_links');
  });
});
