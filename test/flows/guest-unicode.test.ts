/** One name, one text: an identifier that is not in NFC is refused wherever one is read, so nothing has two names. */
import { expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { call, detail, exchange, grant, guestRealm, mintGuest, ownToken, session } from './guest-support.ts';

const server = useServer({ realms: [guestRealm()] });

const composed = 'caf\u00e9';
const decomposed = composed.normalize('NFD');
const resource = { type: 'dashboard', id: 'd', actions: ['view'], rows: 'all' };

it.each<[string, (name: string) => Record<string, unknown>]>([
  ['tenant', (tenant) => ({ subject: { tenant, id: 'u' } })],
  ['subject', (id) => ({ subject: { tenant: 'blue', id } })],
  ['group', (name) => ({ subject: { tenant: 'blue', id: 'u', groups: [name] } })],
  ['attribute', (name) => ({ subject: { tenant: 'blue', id: 'u', attributes: { [name]: 1 } } })],
  ['resource', (id) => ({ resources: [{ ...resource, id }] })],
  ['label', (label) => ({ label })],
  ['data source', (datasource) => ({ context: { datasource } })],
  ['session', (key) => ({ session: { key } })],
])('mints for a %s in NFC, and refuses it in NFD', async (_what, of) => {
  const minted = await mintGuest(server, grant(of(composed)));
  const refused = await mintGuest(server, grant(of(decomposed)));

  expect(minted.status).toBe(201);
  expect(refused).toMatchObject({ status: 400, json: { code: 'invalid_request' } });
});

it('refuses to cut or look for what cannot be there', async () => {
  const answers = [
    await call(server, 'POST', '/guest-tokens/revoke', { tenant: decomposed }),
    await call(server, 'POST', '/guest-tokens/revoke', { tenant: 'blue', subject: decomposed }),
    await call(server, 'POST', '/guest-tokens/revoke', {
      tenant: 'blue',
      resource: `dashboard:${decomposed}`,
    }),
    await call(server, 'POST', '/guest-tokens/revoke', { label: decomposed }),
    await call(server, 'GET', `/guest-tokens?tenant=${encodeURIComponent(decomposed)}`),
    await call(server, 'GET', `/guest-tokens?resource=${encodeURIComponent(decomposed)}`),
  ];

  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 400));
});

it('refuses it in authorization details too', async () => {
  const subject = await ownToken(server);
  const details = [detail(), session({ subject: { tenant: decomposed, id: 'u' } })];

  expect(await exchange(server, { subject, details })).toMatchObject({
    status: 400,
    json: { error: 'invalid_authorization_details' },
  });
});

it('keeps the values of data as they were sent', async () => {
  const rows = { col: 'city', op: 'eq', value: decomposed };
  const { json } = await mintGuest(server, grant({ resources: [{ ...resource, rows }] }));

  const shown = await call(server, 'GET', `/guest-tokens/${json.id}`);

  expect(JSON.stringify(shown.json)).toContain(JSON.stringify(rows).slice(1, -1));
});
