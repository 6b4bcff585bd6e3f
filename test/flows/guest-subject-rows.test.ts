/** Row limits that follow the guest: in a client's ceiling, in policies, and policies that a client cannot leave out. */
import { describe, expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import {
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  JWT,
  mintGuest,
  mints,
  ownToken,
  session,
} from './guest-support.ts';

const tied = ['tied', 'tied-secret'] as const;
const watched = ['watched', 'watched-secret'] as const;
const asking = ['asking', 'asking-secret'] as const;

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const grants = ['client_credentials', EXCHANGE];
const clientOf = ([id, secret]: readonly [string, string], more: object) => ({
  id,
  secret,
  grants,
  mints: { ...mints, ...more },
});

const ownTenant = { col: 'tenant', op: 'eq', value: '{{ subject.tenant }}' };
const region = { col: 'state', op: 'in', value: '{{ subject.attributes.states }}' };
const policies = [
  { kind: 'row', name: 'own_region', template: region, resources: [{ type: 'dashboard', id: 'sales' }] },
  {
    kind: 'row',
    name: 'region',
    parameters: ['state'],
    template: { col: 'state', op: 'in', value: '{{ state }}' },
  },
  { kind: 'row', name: 'own_rows', template: { col: 'owner', op: 'eq', value: '{{ subject.id }}' } },
  {
    kind: 'row',
    name: 'of_metrics',
    template: { col: 'm', op: 'eq', value: 1 },
    resources: [{ type: 'metric' }],
  },
  { kind: 'schema', name: 'own_schema', template: { schema: 'tenant_{{ subject.tenant }}' } },
];

const server = useServer({
  realms: [
    guestRealm(
      { policies },
      {
        clients: [
          clientOf(tied, { rows: ownTenant }),
          clientOf(watched, { policies: [], requiredPolicies: ['own_rows'] }),
          clientOf(asking, { requiredPolicies: ['region'] }),
        ],
      },
    ),
  ],
});

type Credentials = readonly [string, string];
type Order = {
  readonly tenant?: string;
  readonly rows?: unknown;
  readonly more?: object;
  readonly auth?: Credentials;
};
const dashboards = (rows: unknown) =>
  ['sales', 'staff'].map((id) => ({ type: 'dashboard', id, actions: ['view'], rows }));

const byJson = async ({ tenant = 'blue', rows = 'all', more = {}, auth = tied }: Order) => {
  const attributes = { states: ['CA', 'NV'] };
  const body = grant({ subject: { tenant, id: 'u_1', attributes }, resources: dashboards(rows), ...more });
  const { status, json } = await mintGuest(server, body, { auth });
  return { status, error: json.code, token: json.token };
};

const byExchange = async ({ tenant = 'blue', rows = 'all', auth = tied }: Order) => {
  const details = dashboards(rows).map(({ id, actions }) => detail({ identifier: id, actions, rows }));
  const { status, json } = await exchange(server, {
    subject: await ownToken(server, auth),
    details: [...details, session({ subject: { tenant, id: 'u_1' } })],
    auth,
  });
  return { status, error: json.error, token: json.access_token };
};

async function rowsOf(token: string, resource = 'sales') {
  return (await introspect(server, token, { resource })).json.policy?.rows;
}

const limitedTo = (tenant: string) => ({ col: 'tenant', op: 'eq', value: tenant });

describe.each([
  ['native JSON', byJson],
  ['an exchange', byExchange],
])('a row limit of the client that names the tenant, by %s', (_name, mint) => {
  it.each(['blue', 'green'])('shows %s its own rows', async (tenant) => {
    const { token } = await mint({ tenant });

    expect(await rowsOf(token)).toEqual(limitedTo(tenant));
  });

  it('shows no rows of another tenant, whatever is asked', async () => {
    const { token } = await mint({ tenant: 'blue', rows: limitedTo('green') });

    const rows = JSON.stringify(await rowsOf(token));
    expect(rows === '"none"' || (rows.includes('"blue"') && rows.includes('"and"'))).toBe(true);
  });

  it('takes a value that looks like a placeholder as a value', async () => {
    const { token } = await mint({ tenant: '{{ subject.id }}' });

    expect(await rowsOf(token)).toEqual(limitedTo('{{ subject.id }}'));
  });
});

describe('a policy', () => {
  it('is filled in with what the guest has, and limits the resources that it names alone', async () => {
    const use = [{ kind: 'row', name: 'own_region' }];

    const { token } = await byJson({ more: { policies: use }, auth: ['portal', 'portal-secret'] });

    expect(await rowsOf(token, 'sales')).toEqual({ col: 'state', op: 'in', value: ['CA', 'NV'] });
    expect(await rowsOf(token, 'staff')).toBe('all');
  });

  it('limits resources of the types that it names', async () => {
    const resources = ['metric', 'report'].map((type) => ({
      type,
      id: type,
      actions: ['view'],
      rows: 'all',
    }));
    const { json } = await mintGuest(
      server,
      grant({ resources, policies: [{ kind: 'row', name: 'of_metrics' }] }),
    );

    expect(await rowsOf(json.token, 'metric')).toEqual({ col: 'm', op: 'eq', value: 1 });
    expect(await rowsOf(json.token, 'report')).toBe('all');
  });

  it('is refused for a guest that lacks what it asks for, or when the request gives the value', async () => {
    const use = { kind: 'row', name: 'own_region' };
    const subject = { tenant: 'blue', id: 'u_1' };
    const lacking = await mintGuest(server, grant({ subject, policies: [use] }));
    const claimed = await mintGuest(
      server,
      grant({ subject, policies: [{ ...use, params: { 'subject.attributes.states': ['TX'] } }] }),
    );

    expect([lacking.json.code, claimed.json.code]).toEqual(['policy_unresolved', 'policy_unresolved']);
  });

  it('names a schema of the tenant', async () => {
    const { json } = await mintGuest(server, grant({ policies: [{ kind: 'schema', name: 'own_schema' }] }));

    expect((await introspect(server, json.token)).json.policies).toEqual([
      { kind: 'schema', name: 'own_schema', value: { schema: 'tenant_blue' } },
    ]);
  });
});

describe('a policy that every guest of a client has', () => {
  const limit = { col: 'owner', op: 'eq', value: 'u_1' };

  it.each([
    ['native JSON', byJson],
    ['an exchange', byExchange],
  ])('is there without being named, by %s', async (_name, mint) => {
    const { token } = await mint({ auth: watched });

    expect(await rowsOf(token)).toEqual(limit);
  });

  it('stays when it is named, refreshed, narrowed or exchanged', async () => {
    const more = { policies: [{ kind: 'row', name: 'own_rows' }], lifetime: { ttl: 60 } };
    const { token } = await byJson({ auth: watched, more });

    const details = [detail({ identifier: 'sales', actions: ['view'], rows: limit })];
    const child = await exchange(server, { subject: token, details, auth: watched });

    expect(await rowsOf(token)).toEqual(limit);
    expect(await rowsOf(child.json.access_token)).toEqual(limit);
  });

  it('must be named where it has values to give', async () => {
    const silent = await byJson({ auth: asking });
    const named = await byJson({
      auth: asking,
      more: { policies: [{ kind: 'row', name: 'region', params: { state: 'CA' } }] },
    });

    expect(silent).toMatchObject({ status: 422, error: 'policy_unresolved' });
    expect(await rowsOf(named.token)).toEqual({ col: 'state', op: 'in', value: ['CA'] });
  });

  it('ends what was minted before it was asked for', async () => {
    const { token } = await byJson({ auth: ['other', 'other-secret'] });

    await server.services.registry.updateClient('acme', 'other', (client) => ({
      ...client,
      mints: { ...client.mints, requiredPolicies: ['own_rows'] },
    }));

    expect((await introspect(server, token)).json).toEqual({ active: false, guest_reason: 'revoked' });
  });

  it('that the realm does not have any more leaves nothing to mint', async () => {
    await server.services.registry.updateClient('acme', 'keeper', (client) => ({
      ...client,
      mints: { ...mints, requiredPolicies: ['gone'] },
    }));

    expect(await byJson({ auth: ['keeper', 'keeper-secret'] })).toMatchObject({
      status: 422,
      error: 'policy_unresolved',
    });
  });
});

it('holds for a signed token too', async () => {
  const details = [detail({ identifier: 'sales', actions: ['view'], rows: 'all' }), session()];
  const subject = await ownToken(server, watched);

  const signed = await exchange(server, {
    subject,
    details,
    auth: watched,
    more: { requested_token_type: JWT },
  });

  expect(await rowsOf(signed.json.access_token)).toEqual({ col: 'owner', op: 'eq', value: 'u_42' });
});
