/** The document of the admin API: complete, true of every answer, and of every example. */
import { describe, expect, it } from 'vitest';
import { adminRoutes } from '../../src/surfaces/admin/admin.ts';
import type { AdminRoute } from '../../src/surfaces/admin/shared/route.ts';
import { useServer } from '../support/use-server.ts';
import { admins, head, tenant } from './support.ts';

const base = tenant('acme');
const mints = { apis: ['analytics'], types: ['dashboard'], actions: ['view'], maxTtl: 3600 };
const minter = { id: 'minter', secret: 'minter-secret', grants: ['client_credentials'], mints };
const compat = { databrain: { dataApps: [{ name: 'sales', apiKeys: ['an-api-key-of-the-sales-app'] }] } };
const server = useServer({ realms: [head, { ...base, clients: [...base.clients, minter], compat }] });

type Operation = {
  operationId: string;
  requestBody?: object;
  responses: Record<string, object>;
  security?: object;
};
type Document = {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  servers: { url: string }[];
};

async function document(): Promise<Document> {
  const response = await fetch(`${server.url}/admin/v1/openapi.json`);
  return (await response.json()) as Document;
}

describe('the OpenAPI document', () => {
  it('has every route, each under a name of its own', async () => {
    const { openapi, paths, servers } = await document();

    const operations = Object.entries(paths).flatMap(([path, ofPath]) =>
      Object.entries(ofPath).map(([method, { operationId }]) => [method, path, operationId]),
    );
    expect(openapi).toBe('3.1.0');
    expect(servers).toEqual([{ url: server.url }]);
    expect(operations).toEqual(
      adminRoutes.map(({ method, path, id }) => [
        method.toLowerCase(),
        path.replaceAll(/:(\w+)/g, '{$1}'),
        id,
      ]),
    );
    expect(new Set(operations.map(([, , id]) => id)).size).toBe(operations.length);
  });

  it('refers to nothing that is not in it, and to no other host', async () => {
    const text = JSON.stringify(await document());
    const references = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference);

    expect(new Set(references.map((one) => one?.split('/').slice(0, 3).join('/')))).toEqual(
      new Set(['#/components/responses', '#/components/schemas']),
    );
    const page = await (await fetch(`${server.url}/admin/v1/reference`)).text();
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\/|<script/);
    for (const { id } of adminRoutes) expect(page).toContain(`<article id="${id}">`);
    const [, style = ''] = /href="([^"]+\.css)"/.exec(page) ?? [];
    expect((await fetch(`${server.url}${style}`)).headers.get('Content-Type')).toMatch(/^text\/css/);
  });
});

const withExample = adminRoutes.filter(({ example }) => example !== undefined);

describe('every example', () => {
  it.each(withExample.map((route) => [route.id, route] as const))(
    'of %s is answered as documented',
    async (_id, route) => {
      const call = await admins(server, head.name, 'root');
      const path = await addressFor(route, call);

      const { status, body } = await call({
        method: route.method,
        path,
        body: route.example,
        headers: route.isConditional ? { 'If-Match': '*' } : {},
      });

      const schema = route.answers[status]?.schema;
      expect([status, schema?.safeParse(body).error]).toEqual([status, undefined]);
      expect(schema, `${status} ${JSON.stringify(body)}`).toBeDefined();
    },
  );
});

describe('every reading', () => {
  it.each(adminRoutes.filter(({ method }) => method === 'GET').map((route) => [route.id, route] as const))(
    '%s is answered as documented',
    async (_id, route) => {
      const call = await admins(server, head.name, 'root');

      const { status, body } = await call({ path: await addressFor(route, call) });

      expect([status, route.answers[200]?.schema?.safeParse(body).error]).toEqual([200, undefined]);
    },
  );
});

type Call = Awaited<ReturnType<typeof admins>>;

/** The address with ids of things that are there. */
async function addressFor({ path, id }: AdminRoute, call: Call): Promise<string> {
  const below = '/realms/acme';
  const user = await newUser(call);
  const ids: Record<string, string> = {
    realm: 'acme',
    client: 'ds-engine',
    product: 'databrain',
    user: user.id,
    guest: path.includes(':guest') ? await newGuest() : '',
    session: path.includes(':session') ? await newSession(call, user.id) : '',
    name: { apis: 'warehouse', roles: 'analyst', policies: 'row:documented' }[path.split('/')[5] ?? ''] ?? '',
  };
  if (path.includes('/policies/:name')) {
    const policy = { kind: 'row', name: 'documented', template: { col: 'a', op: 'eq', value: 1 } };
    await call({ method: 'POST', path: `${below}/policies`, body: policy });
  }
  const filled = path.replace('/admin/v1', '').replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? name);
  const queries: Record<string, string> = {
    listSessions: `?user=${user.id}`,
    listGuestTokens: '?client=minter',
  };
  return filled + (queries[id] ?? '');
}

let made = 0;

async function newUser(call: Call): Promise<{ readonly id: string }> {
  made += 1;
  const body = { username: `documented-${made}`, password: 'documented_password' };
  return (await call({ method: 'POST', path: '/realms/acme/users', body })).body;
}

async function newSession(call: Call, user: string): Promise<string> {
  const form = {
    grant_type: 'password',
    client_id: 'dc-ui',
    username: `documented-${made}`,
    password: 'documented_password',
  };
  await fetch(server.endpoint('acme', 'token'), { method: 'POST', body: new URLSearchParams(form) });
  return (await call({ path: `/realms/acme/users/${user}/sessions` })).body.items[0].id;
}

async function newGuest(): Promise<string> {
  const response = await fetch(`${server.issuer('acme')}/guest-tokens`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('minter:minter-secret')}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({
      subject: { tenant: 'documented', id: 'u' },
      resources: [
        { type: 'dashboard', id: 'sales', actions: ['view'], rows: { col: 'a', op: 'eq', value: 1 } },
      ],
      lifetime: { ttl: 600 },
    }),
  });
  return ((await response.json()) as { id: string }).id;
}
