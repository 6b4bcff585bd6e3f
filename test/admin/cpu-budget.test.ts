/** No call of the admin API costs more than its budget of CPU, whatever its body. */
import { beforeAll, describe, expect, it } from 'vitest';
import { deepList, deepObject, expectCheap, fields, marks, times } from '../flows/cpu-budget-support.ts';
import { useServer } from '../support/use-server.ts';
import { adminToken, head, tenant } from './support.ts';

const many = times(400, (index) => ({ name: `permission-${index}:read` }));
const base = tenant('acme');
const server = useServer({
  realms: [
    head,
    {
      ...base,
      apis: [
        ...base.apis,
        ...times(20, (at) => ({ id: `api${at}`, audience: `https://api${at}.test`, permissions: many })),
      ],
    },
  ],
});

let token: string;
beforeAll(async () => {
  token = await adminToken(server, head.name, 'root');
});

const names = (count: number, prefix: string) => times(count, (index) => `${prefix}${index}`);

type Sent = { readonly method?: string; readonly path: string; readonly body: unknown };

const user = { username: 'u' };
const client = { id: 'c', grants: ['client_credentials'] };

const calls: Readonly<Record<string, Sent>> = {
  'many unknown permissions of a role': {
    path: '/roles',
    body: { name: 'r', permissions: names(500, 'api1:permission-') },
  },
  'many roles that include one another': {
    method: 'PATCH',
    path: '',
    body: { roles: times(500, (at) => ({ name: `r${at}`, includes: [`r${(at + 1) % 500}`] })) },
  },
  'roles that include all others': {
    method: 'PATCH',
    path: '',
    body: {
      roles: times(60, (at) => ({
        name: `r${at}`,
        includes: names(60, 'r').filter((one) => one !== `r${at}`),
      })),
    },
  },
  'many unknown permissions of many roles': {
    method: 'PATCH',
    path: '',
    body: { roles: times(30, (at) => ({ name: `r${at}`, permissions: names(100, 'apix:permission-') })) },
  },
  'many APIs': {
    method: 'PATCH',
    path: '',
    body: { apis: times(100, (at) => ({ id: `a${at}`, audience: `https://a${at}.test`, permissions: [] })) },
  },
  'many redirect URIs': {
    path: '/clients',
    body: { ...client, redirectUris: names(1000, 'https://app.example.com/') },
  },
  'many roles of a client': { path: '/clients', body: { ...client, roles: names(100, 'no-such-role-') } },
  'unknown members of a client': { path: '/clients', body: { ...client, ...fields(4000, 1) } },
  'many scopes of a client': {
    path: '/clients',
    body: { ...client, permissions: names(500, 'api1:permission-') },
  },
  'marks in a user name': { path: '/users', body: { username: marks(250) } },
  'marks in a name that is too long': { path: '/users', body: { username: marks(10_000) } },
  'many attributes': { path: '/users', body: { ...user, attributes: fields(3000, 'value') } },
  'a long password': { path: '/users', body: { ...user, password: 'x'.repeat(60_000) } },
  'deep objects': { path: '/users', body: deepObject(10_000) },
  'deep lists': { path: '/policies', body: `{"kind":"row","name":"p","template":${deepList(30_000)}}` },
  'many policies': {
    method: 'PATCH',
    path: '',
    body: {
      policies: times(400, (at) => ({
        kind: 'row',
        name: `p${at}`,
        template: { col: 'a', op: 'eq', value: 1 },
      })),
    },
  },
  'a long token': { path: '/explain', body: { token: `${'a'.repeat(8000)}.${'b'.repeat(8000)}.c` } },
  'a long redirect': {
    path: '/explain',
    body: { client: 'dc-ui', redirectUri: `https://${'a.'.repeat(1000)}test/` },
  },
  'many scopes to explain': { path: '/explain', body: { client: 'dc-ui', scope: names(400, 'x').join(' ') } },
  'a wide guest token to explain': {
    path: '/explain',
    body: {
      client: 'portal',
      mint: { resources: times(500, (at) => ({ type: 'dashboard', id: `d${at}` })) },
    },
  },
  'many ids to revoke': { path: '/guest-tokens/revoke', body: { ids: names(100, 'gt_') } },
  'a section with many dashboards': {
    method: 'PUT',
    path: '/compat/semaphor',
    body: { dashboards: times(700, (at) => ({ id: `d${at}`, secret: `a-secret-of-a-dashboard-${at}` })) },
  },
};

describe('the cost of', () => {
  it.each(Object.entries(calls))('%s', async (_name, { method = 'POST', path, body }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    expect(text.length).toBeLessThan(64 * 1024);

    await expectCheap(async () => {
      const response = await fetch(`${server.url}/admin/v1/realms/acme${path}`, {
        method,
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'If-Match': '*' },
        body: text,
      });
      return { status: response.status, headers: response.headers, text: await response.text(), json: {} };
    });
  });
});
