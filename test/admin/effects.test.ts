/** What an answer says that its change has cut, held against what is dead and what is not. */
import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { gateway } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';
import { admins, head, tenant } from './support.ts';

const base = tenant('acme');
const mints = { apis: ['analytics'], types: ['dashboard'], actions: ['view', 'filter'], maxTtl: 3600 };
const service = { grants: ['client_credentials'], roles: ['engine'] };
const realm = {
  ...base,
  clients: [
    ...base.clients,
    ...['one', 'two', 'three'].map((id) => ({ id, secret: `${id}-secret`, ...service, mints })),
  ],
  compat: {
    databrain: { dataApps: [{ name: 'sales', apiKeys: ['an-api-key-of-the-sales-app'] }] },
  },
};
const server = useServer({ realms: [head, realm, tenant('globex')] });
const effectOf = (got: { readonly headers: Headers }) => got.headers.get('Daypass-Effect');

async function change(path: string, body: object | undefined) {
  const call = await admins(server, head.name, 'root');
  return call({
    method: body === undefined ? 'DELETE' : 'PATCH',
    path: `/realms/acme${path}`,
    body,
    headers: {
      'If-Match': '*',
      ...(body !== undefined && { 'Content-Type': 'application/merge-patch+json' }),
    },
  });
}

/** A user with one login, and whether its token is still active. */
async function person(username: string) {
  const call = await admins(server, 'acme', 'realm-admin');
  const password = 'their_own_password';
  const body = { username, password, roles: ['analyst'] };
  const { body: user } = await call({ method: 'POST', path: '/realms/acme/users', body });
  const form = { client_id: 'dc-ui', grant_type: 'password', username, password };
  const { access_token: token } = (await postForm(server.endpoint('acme', 'token'), form)).json;
  const isActive = async () =>
    (await postForm(server.endpoint('acme', 'token/introspect'), { token }, { auth: gateway })).json.active;
  expect(await isActive()).toBe(true);
  return { path: `/users/${user.id}`, isActive };
}

describe('a change of a user', () => {
  it.each([
    ['disabled', { enabled: false }],
    ['without a role', { roles: [] }],
    ['with another password', { password: 'another_password' }],
  ])(
    'that is then %s tells that its session and tokens are dead, and until when JWTs live on',
    async (name, body) => {
      const { path, isActive } = await person(`cut ${name}`);

      const got = await change(path, body);

      expect(got.status).toBe(200);
      expect(effectOf(got)).toMatch(/^Dead now: 1 session and every token of the user\./);
      const until = Date.parse(/until (\S+) at most/.exec(effectOf(got) ?? '')?.[1] ?? '');
      expect(until).toBeGreaterThan(Date.now());
      expect(await isActive()).toBe(false);
    },
  );

  it('that takes nothing away says nothing of it', async () => {
    const { path, isActive } = await person('renamed');

    const got = await change(path, { name: 'Renamed' });

    expect([got.status, effectOf(got), await isActive()]).toEqual([200, null, true]);
  });

  it('that removes it says it in the body too', async () => {
    const { path, isActive } = await person('removed');

    const got = await change(path, undefined);

    expect(got.body.effect).toBe(effectOf(got));
    expect(got.body.effect).toContain('1 session and every token of the user');
    expect(await isActive()).toBe(false);
  });

  it.each([
    ['POST', '/password', { password: 'set_by_somebody_else' }],
    ['DELETE', '/sessions', undefined],
  ])('by %s …%s tells it', async (method, below, body) => {
    const { path, isActive } = await person(`by ${below}`);
    const call = await admins(server, 'acme', 'realm-admin');

    const got = await call({ method, path: `/realms/acme${path}${below}`, ...(body && { body }) });

    expect(effectOf(got)).toContain('1 session and every token of the user');
    expect(await isActive()).toBe(false);
  });
});

describe('a change of a client', () => {
  it.each([
    ['one', { enabled: false }, /^Dead now: every token of the client\. .*until 20/],
    [
      'two',
      { mints: { ...mints, actions: ['view'] } },
      /^Dead now: every guest token that the client minted/,
    ],
    ['three', { clientName: 'Three' }, undefined],
  ])('%s: %j', async (id, body, words) => {
    const got = await change(`/clients/${id}`, body);

    expect(got.status).toBe(200);
    if (words === undefined) expect(effectOf(got)).toBeNull();
    else expect(effectOf(got)).toMatch(words);
  });

  it('that removes it says it in the body too', async () => {
    const got = await change('/clients/one', undefined);

    expect([got.status, got.body.effect]).toEqual([200, effectOf(got)]);
    expect(got.body.effect).toContain('every token of the client');
  });
});

describe('a change of a section, or of the realm', () => {
  it('tells what the section had minted, and nothing where nothing is cut', async () => {
    const wider = await change('/compat/databrain', { dataApps: [] });
    const off = await change('/compat/databrain', { enabled: false });
    const gone = await change('/compat/databrain', undefined);

    expect([wider.status, off.status, gone.status]).toEqual([200, 200, 200]);
    expect(effectOf(off)).toMatch(/^Dead now: every token of the section\./);
    expect(gone.body.effect).toBe(effectOf(gone));
  });

  it('tells that everything in a disabled or removed realm is dead', async () => {
    const call = await admins(server, head.name, 'root');
    const headers = { 'If-Match': '*' };
    const patch = { ...headers, 'Content-Type': 'application/merge-patch+json' };

    const named = await call({
      method: 'PATCH',
      path: '/realms/globex',
      body: { displayName: 'G' },
      headers: patch,
    });
    const off = await call({
      method: 'PATCH',
      path: '/realms/globex',
      body: { enabled: false },
      headers: patch,
    });
    const gone = await call({ method: 'DELETE', path: '/realms/globex', headers });

    expect(effectOf(named)).toBeNull();
    expect(effectOf(off)).toMatch(/^Dead now: every token of the realm\./);
    expect(gone.body.effect).toMatch(/^Dead now: every token of the realm\./);
  });
});
