/** To which API the connection of a policy belongs: it alone is told of it, and of the secrets only by certificate. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificate, trustLoopback } from '../support/certificates.ts';
import { type Answer, postForm } from '../support/http.ts';
import { analytics, warehouse } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { call, EXCHANGE, exchange, guestRealm, mints, ownToken, portal, session } from './guest-support.ts';

const SECRET = 'correct horse';
const connection = (name: string, more: object = {}) => ({
  kind: 'connection' as const,
  name,
  parameters: ['password@secret'],
  template: { host: `${name}.acme.test`, password: '{{ password@secret }}' },
  ...more,
});
const policies = [
  connection('unsaid'),
  connection('lake', { api: 'warehouse' }),
  { kind: 'schema', name: 'lake_schema', api: 'warehouse', template: { schema: 'tenant' } },
  { kind: 'row', name: 'region', template: { col: 'state', op: 'eq', value: 'CA' } },
];
const named = [
  { kind: 'connection', name: 'unsaid', params: { 'password@secret': SECRET } },
  { kind: 'connection', name: 'lake', params: { 'password@secret': SECRET } },
  { kind: 'schema', name: 'lake_schema', params: {} },
  { kind: 'row', name: 'region', params: {} },
];
const details = [
  {
    type: 'embed_resource',
    identifier: 'dash-1',
    datatypes: ['dashboard'],
    actions: ['view'],
    rows: 'all',
    locations: [analytics, warehouse],
  },
  ...named.map(({ kind, name, params }) => ({
    type: 'embed_policy',
    identifier: name,
    datatypes: [kind],
    params,
  })),
  session(),
];

const withCertificate = (id: string, introspects: string[]) => ({
  id,
  introspects,
  tokenEndpointAuthMethod: 'tls_client_auth',
  tlsClientAuthSubjectDn: certificate.subject,
});
const withSecret = (id: string, introspects: string[]) => ({ id, secret: 'gate-secret', introspects });

let server: TestServer;
let token: string;
beforeAll(async () => {
  const clients = [
    withCertificate('analytics-proven', ['analytics']),
    withCertificate('warehouse-proven', ['warehouse']),
    withCertificate('both-proven', ['analytics', 'warehouse']),
    withSecret('analytics-gate', ['analytics']),
    withSecret('warehouse-gate', ['warehouse']),
  ];
  const ceiling = { mints: { ...mints, apis: ['analytics', 'warehouse'] } };
  server = await startTestServer({
    realms: [guestRealm({ policies }, { portal: ceiling, clients })],
    env: trustLoopback,
  });
  token = await minted();
});
afterAll(() => server?.stop());

async function minted(more: Record<string, string> = {}): Promise<string> {
  const form = new URLSearchParams({
    grant_type: EXCHANGE,
    subject_token: await ownToken(server),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    authorization_details: JSON.stringify(details),
    ...more,
  });
  for (const audience of ['analytics', 'warehouse']) form.append('audience', audience);
  const response = await fetch(server.endpoint('acme', 'token'), {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(portal.join(':')).toString('base64')}` },
    body: form,
  });
  const json: { access_token: string } = await response.json();
  return json.access_token;
}

function ask(client: string, value = token): Promise<Answer> {
  const isProven = client.endsWith('-proven');
  return postForm(
    server.endpoint('acme', 'token/introspect'),
    { token: value, ...(isProven ? { client_id: client } : {}) },
    isProven
      ? { headers: certificate.headers }
      : { auth: [client, client === 'portal' ? 'portal-secret' : 'gate-secret'] },
  );
}

const payloadOf = ({ json }: Answer) => ({
  policies: json.policies.map(({ name }: { name: string }) => name),
  details: json.authorization_details
    .filter(({ type }: { type: string }) => type === 'embed_policy')
    .map(({ identifier }: { identifier: string }) => identifier),
});
const secretsOf = ({ json }: Answer) =>
  json.policies
    .filter(({ value }: { value?: { password?: string } }) => value?.password === SECRET)
    .map(({ name }: { name: string }) => name);

describe('policies of connections', () => {
  it.each([
    ['analytics-gate', ['unsaid', 'region'], []],
    ['analytics-proven', ['unsaid', 'region'], ['unsaid']],
    ['warehouse-gate', ['lake', 'lake_schema', 'region'], []],
    ['warehouse-proven', ['lake', 'lake_schema', 'region'], ['lake']],
    ['both-proven', ['unsaid', 'lake', 'lake_schema', 'region'], ['unsaid', 'lake']],
    ['portal', ['unsaid', 'lake', 'lake_schema', 'region'], []],
  ])('are told to %s as far as they are its own', async (client, names, secrets) => {
    const answer = await ask(client);

    expect(answer.json.active).toBe(true);
    expect(payloadOf(answer)).toEqual({ policies: names, details: names });
    expect(secretsOf(answer)).toEqual(secrets);
    for (const { params = {} } of answer.json.authorization_details) {
      expect(Object.keys(params)).not.toContain('password@secret');
    }
    if (secrets.length === 0) expect(answer.text).not.toContain(SECRET);
  });

  it('are told likewise of a signed token, whose secrets nobody else reads', async () => {
    const signed = await minted({ requested_token_type: 'urn:ietf:params:oauth:token-type:jwt' });
    const [own, foreign] = await Promise.all([
      ask('warehouse-proven', signed),
      ask('analytics-gate', signed),
    ]);

    expect([secretsOf(own), payloadOf(foreign).policies]).toEqual([['lake'], ['unsaid', 'region']]);
  });

  it('are the same token for every API: one policy hash, the same rows', async () => {
    const answers = await Promise.all(
      ['analytics-gate', 'warehouse-gate', 'both-proven'].map((id) => ask(id)),
    );

    expect(new Set(answers.map(({ json }) => json.pol)).size).toBe(1);
    for (const { json } of answers) {
      expect(json.authorization_details[0].rows).toEqual({ col: 'state', op: 'eq', value: 'CA' });
    }
  });

  it('are all shown to who minted the token, without secrets', async () => {
    const { json } = await exchange(server, { subject: await ownToken(server), details });
    const found = await call(server, 'GET', '/guest-tokens?limit=100');
    const shown = found.json.guest_tokens.at(-1);

    expect(json.access_token).toMatch(/^dpg_/);
    expect(payloadOf({ ...found, json: { ...shown, policies: [] } }).details).toHaveLength(4);
    expect(found.text).not.toContain(SECRET);
  });

  it('follow the realm when it gives one to another API', async () => {
    const moved = connection('lake', { api: 'analytics' });
    await server.services.registry.applyRealm({ name: 'acme', policies: [moved] });

    const [before, after] = [await ask('warehouse-proven'), await ask('analytics-proven')];

    expect(payloadOf(before).policies).not.toContain('lake');
    expect(secretsOf(after)).toEqual(['unsaid', 'lake']);
    await server.services.registry.applyRealm({
      name: 'acme',
      policies: [connection('lake', { api: 'warehouse' })],
    });
  });
});
