/** No request for a guest token costs more than its budget of CPU, whatever its body: at most 64 KiB. */
import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import { deepList, deepObject, expectCheap, fields, marks, times } from './cpu-budget-support.ts';
import {
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  ownRows,
  ownToken,
  session,
} from './guest-support.ts';

const rowPolicies = times(20, (index) => ({
  kind: 'row',
  name: `rows-${index}`,
  parameters: ['states'],
  template: { col: `c${index}`, op: 'in', value: '{{ states }}' },
}));
const server = useServer({ realms: [guestRealm({ policies: rowPolicies })] });

const resources = (count: number, more: object) =>
  times(count, (index) => ({
    type: 'dashboard',
    id: `d${index}`,
    actions: ['view'],
    rows: ownRows,
    ...more,
  }));
const policies = (count: number, values: number) =>
  times(count, (index) => ({
    kind: 'row',
    name: `rows-${index}`,
    params: { states: times(values, (one) => one) },
  }));
const anyOf = (count: number, leaf: (index: number) => object) => ({ or: times(count, leaf) });
const subject = (more: object) => ({ subject: { tenant: 'blue', id: 'u_42', ...more } });

/** A character that becomes 18 letters when it is folded. */
const LONG = 'ﷺ';

const bodies: Readonly<Record<string, Record<string, unknown>>> = {
  'column masks': { resources: resources(16, { columns: { mask: fields(200, 'hash', 'c') } }) },
  'long column masks': {
    resources: resources(3, { columns: { mask: fields(200, 'hash', `a${LONG.repeat(19)}`) } }),
  },
  'denied columns': { resources: resources(30, { columns: { deny: times(200, (one) => `c${one}`) } }) },
  'shown columns': { resources: resources(30, { columns: { allow: times(200, (one) => `c${one}`) } }) },
  'most resources': { resources: resources(100, {}) },
  'wide trees': {
    resources: resources(14, {
      rows: anyOf(100, (one) => ({ col: `c${one % 7}`, op: 'eq', value: one })),
    }),
  },
  'deep trees': {
    resources: resources(60, {
      rows: {
        and: [{ or: [{ and: [{ or: times(20, (value) => ({ col: 'a', op: 'ne', value })) }] }] }],
      },
    }),
  },
  'long lists': {
    resources: resources(12, { rows: { col: 'a', op: 'in', value: times(1000, (one) => one) } }),
  },
  'many lists': {
    resources: resources(1, {
      rows: anyOf(90, (one) => ({
        col: 'a',
        op: 'not_in',
        value: times(60, (value) => `${one}-${value}`),
      })),
    }),
  },
  'long texts': {
    resources: resources(1, {
      rows: anyOf(60, (one) => ({ col: 'a', op: 'contains', value: `${'a'.repeat(900)}${one}` })),
    }),
  },
  'most policies': { policies: policies(20, 700) },
  'policies on many resources': { resources: resources(100, {}), policies: policies(20, 40) },
  'long policies on many resources': { resources: resources(100, {}), policies: policies(20, 400) },
  'wrong resources': { resources: times(20_000, () => 1) },
  'wrong members': { resources: resources(100, fields(60, 1)) },
  'wrong comparisons': { resources: resources(1, { rows: anyOf(100, () => anyOf(100, () => ({}))) }) },
  'wrong actions': { resources: resources(1, { actions: times(12_000, () => 'x') }) },
  'repeated actions': { resources: resources(90, { actions: times(32, () => 'export:csv') }) },
  'raw SQL': {
    resources: resources(50, {
      rows: {
        col: 'a',
        op: 'in_query',
        value: { sql: `select ${'('.repeat(450)}${')'.repeat(450)}`, columnName: 'a' },
      },
    }),
  },
  locations: {
    resources: resources(50, {
      locations: times(10, (one) => `https://a${one}.example.com/${'x'.repeat(60)}`),
    }),
  },
  filters: {
    resources: resources(3, {
      filters: {
        locked: fields(
          100,
          times(30, (one) => one),
        ),
      },
    }),
  },
  origins: { binding: { origins: times(1500, (one) => `https://*.a${one}.example.com`) } },
  'one origin': { binding: { origins: [`https://${'a-'.repeat(30_000)}.example.com`] } },
  groups: subject({ groups: times(100, (one) => `g${one}${'x'.repeat(240)}`) }),
  attributes: subject({ attributes: fields(50, times(60, String)) }),
  marks: { subject: { tenant: marks(10_000), id: marks(10_000) } },
  'an e-mail address': subject({ email: `${'a.'.repeat(15_000)}@b` }),
  context: { context: { timezone: 'a/'.repeat(32), locale: 'a-'.repeat(32), currency: 'xyz' } },
  domains: { context: { domains: { mode: 'include', ids: times(8000, String) } } },
  nesting: { metadata: { a: times(900, () => JSON.parse(deepList(28))) } },
  'unknown fields': fields(5500, 1),
};
const named = Object.entries(bodies).map(([name, more]) => [name, grant(more)] as const);

/** The body of another route that takes the parts of a grant: those that a change may have. */
function changeOf(body: object): object {
  const { subject: _subject, ...change }: { subject?: unknown } = body;
  return change;
}

/** The same resources and policies as a child of the token asks for them: as many as a form holds. */
function detailsOf(body: { resources?: readonly object[]; policies?: readonly object[] }): object[] {
  const resourceDetails = (body.resources ?? []).map(
    ({ id, type, ...limits }: { id?: string; type?: string }) => ({
      type: 'embed_resource',
      identifier: id,
      datatypes: [type],
      ...limits,
    }),
  );
  const policyDetails = (body.policies ?? []).map(
    ({ name, kind, ...rest }: { name?: string; kind?: string }) => ({
      type: 'embed_policy',
      identifier: name,
      datatypes: [kind],
      ...rest,
    }),
  );
  const details = [...policyDetails, ...resourceDetails];
  while (encodeURIComponent(JSON.stringify(details)).length > 56_000) details.pop();
  return details;
}

describe('the largest bodies cost no more than their budget', () => {
  it.each(named)('%s: minted, asked about, narrowed and passed on', async (_name, body) => {
    expect(JSON.stringify(body).length).toBeLessThanOrEqual(65_536);
    const minted = await expectCheap(() => call(server, 'POST', '/guest-tokens', body));
    if (minted.status !== 201) return;
    const { id, token } = minted.json;

    await expectCheap(() => introspect(server, token));
    await expectCheap(() => call(server, 'PATCH', `/guest-tokens/${id}`, changeOf(body)));
    await expectCheap(() => call(server, 'GET', `/guest-tokens/${id}`));
    await expectCheap(() => exchange(server, { subject: token, details: detailsOf(body) }));
  });

  it('a batch of the most tokens', async () => {
    const tokens = times(100, () => grant({ policies: policies(4, 10) }));

    expect((await expectCheap(() => call(server, 'POST', '/guest-tokens/batch', { tokens }))).status).toBe(
      200,
    );
  });

  it.each([
    ['lists', `{"metadata":${deepList(31_000)}}`],
    ['objects', `{"metadata":${deepObject(9000)}}`],
    ['lists in a batch', `{"tokens":[${deepList(31_000)}]}`],
  ])('nested %s', async (_name, text) => {
    for (const path of [
      '/guest-tokens',
      '/guest-tokens/batch',
      '/guest-tokens/openers',
      '/guest-tokens/revoke',
    ]) {
      await expectCheap(() => call(server, 'POST', path, text));
    }
  });

  it.each([
    ['most objects', times(100, (one) => detail({ identifier: `d${one}` }))],
    [
      'column masks',
      times(12, (one) => detail({ identifier: `d${one}`, columns: { mask: fields(150, 'hash', 'c') } })),
    ],
    ['wrong objects', times(4000, () => ({}))],
  ])('token exchange: %s', async (_name, details) => {
    const subject = await ownToken(server);

    await expectCheap(() => exchange(server, { subject, details: [...details, session()] }));
  });

  it('token exchange: details nested as deep as the body allows', async () => {
    const form = { grant_type: 'client_credentials', authorization_details: deepList(9000) };

    await expectCheap(() =>
      postForm(server.endpoint('acme', 'token'), form, { auth: ['portal', 'portal-secret'] }),
    );
  });
});
