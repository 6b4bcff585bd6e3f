import { describe, expect, it } from 'vitest';
import { clientKey, settingsKey, userKey } from '../../src/registry/store/records.ts';
import { issueBelow, openRegistry } from './registry-support.ts';

async function openAcme() {
  const opened = await openRegistry();
  await opened.registry.putRealm({
    name: 'acme',
    apis: [
      { id: 'analytics', audience: 'https://analytics.acme.test', permissions: [{ name: 'reports:read' }] },
    ],
    roles: [
      { name: 'analyst', permissions: ['analytics:reports:read'] },
      { name: 'lead', includes: ['analyst'] },
    ],
    compat: { databrain: { apiKeys: ['550e8400-e29b-41d4-a716-446655440000'] } },
  });
  return opened;
}

const ann = { username: 'Ann.Smith', email: 'Ann@Acme.test', password: 'correct horse' };

describe('realms', () => {
  it('finds a realm with its look-ups', async () => {
    const { registry } = await openAcme();

    const realm = await registry.findRealm('acme');

    expect(realm?.defaultApi?.id).toBe('analytics');
    expect(realm?.apisByAudience.get('https://analytics.acme.test')?.id).toBe('analytics');
    expect([...(realm?.permissionsOfRoles(['lead', 'nobody']) ?? [])]).toEqual(['analytics:reports:read']);
    expect([...(realm?.expandRoles(['lead']) ?? [])]).toEqual(['lead', 'analyst']);
    expect(realm?.permissionNames).toContain('reports:read');
    expect(realm?.permissionNames).toContain('users:write');
  });

  it.each(['nowhere', 'Acme', 'a:b', '', '_', '../acme', 'a'.repeat(64)])(
    'knows no realm %j',
    async (name) => {
      const { registry } = await openAcme();

      expect(await registry.findRealm(name)).toBeUndefined();
      expect(await registry.findClient(name, 'x')).toBeUndefined();
      expect(await registry.findUserByLogin(name, 'x')).toBeUndefined();
      expect(await registry.removeRealm(name)).toBe(false);
      await expect(registry.createClient(name, { id: 'x' })).rejects.toMatchObject({ code: 'not_found' });
      await expect(registry.updateRealm(name, (realm) => realm)).rejects.toMatchObject({ code: 'not_found' });
    },
  );

  it('finds a realm that was looked for before it was there', async () => {
    const { registry } = await openAcme();
    await registry.findRealm('late');

    await registry.putRealm({ name: 'late' });

    expect((await registry.findRealm('late'))?.name).toBe('late');
  });

  it('gives a changed realm a later revision and an unchanged one the same', async () => {
    const { registry } = await openAcme();
    const first = await registry.findRealm('acme');

    await registry.updateRealm('acme', (settings) => settings);
    const same = await registry.findRealm('acme');
    await registry.updateRealm('acme', (settings) => ({ ...settings, displayName: 'Acme' }));
    const changed = await registry.findRealm('acme');

    expect(same?.revision).toBe(first?.revision);
    expect(changed?.revision).toBeGreaterThan(first?.revision ?? 0);
  });

  it('removes a realm with all that is in it', async () => {
    const { registry, store } = await openAcme();
    await registry.createClient('acme', { id: 'web' });
    const user = await registry.createUser('acme', ann);

    expect(await registry.removeRealm('acme')).toBe(true);
    await registry.putRealm({ name: 'acme' });

    expect(await registry.findClient('acme', 'web')).toBeUndefined();
    expect(await registry.findUserByLogin('acme', 'ann.smith')).toBeUndefined();
    expect((await registry.listUsers('acme', { limit: 10 })).items).toEqual([]);
    expect(await store.read([userKey('acme', user.id)])).toEqual([undefined]);
  });

  it('keeps what was issued in a removed realm dead when the name is used again', async () => {
    const { registry, store } = await openAcme();
    const issued = await issueBelow(store, 'acme', 'u:x');
    await registry.removeRealm('acme');

    await registry.putRealm({ name: 'acme' });
    const fresh = await issueBelow(store, 'acme', 'u:x');

    expect(await issued.isAlive()).toBe(false);
    expect(await fresh.isAlive()).toBe(true);
  });

  it('lists realms page by page', async () => {
    const { registry } = await openAcme();
    for (const name of ['b', 'c']) await registry.putRealm({ name });
    await registry.removeRealm('b');

    const first = await registry.listRealms({ limit: 1 });
    const rest = await registry.listRealms({ limit: 10, ...(first.next && { after: first.next }) });

    expect([...first.items, ...rest.items].map(({ name }) => name)).toEqual(['acme', 'c']);
  });
});

describe('clients', () => {
  it('gives back the secret and keeps it, like the keys of other products, unreadable at rest', async () => {
    const { registry, store } = await openAcme();

    await registry.createClient('acme', { id: 'portal', secret: 'portal-secret' });

    expect((await registry.findClient('acme', 'portal'))?.secret).toBe('portal-secret');
    const atRest = JSON.stringify(await store.read([clientKey('acme', 'portal'), settingsKey('acme')]));
    expect(atRest).not.toContain('portal-secret');
    expect(atRest).not.toContain('550e8400');
    expect((await registry.findRealm('acme'))?.compat?.['databrain']).toEqual({
      apiKeys: ['550e8400-e29b-41d4-a716-446655440000'],
    });
  });

  it('refuses an id that is taken, and a change of the id', async () => {
    const { registry } = await openAcme();
    await registry.createClient('acme', { id: 'web' });

    await expect(registry.createClient('acme', { id: 'web' })).rejects.toMatchObject({ code: 'conflict' });
    await expect(
      registry.updateClient('acme', 'web', (client) => ({ ...client, id: 'other' })),
    ).rejects.toMatchObject({ code: 'invalid_input' });
    await expect(registry.updateClient('acme', 'none', (client) => client)).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('loses no change when many change one client at once', async () => {
    const { registry } = await openAcme();
    await registry.createClient('acme', { id: 'web' });
    const names = ['a', 'b', 'c', 'd', 'e'];

    await Promise.all(
      names.map((name) =>
        registry.updateClient('acme', 'web', (client) => ({
          ...client,
          contacts: [...(client.contacts ?? []), name],
        })),
      ),
    );

    const client = await registry.findClient('acme', 'web');
    expect(client?.contacts?.toSorted()).toEqual(names);
  });

  it('lists clients page by page', async () => {
    const { registry } = await openAcme();
    for (const id of ['a', 'b', 'c']) await registry.createClient('acme', { id });

    const first = await registry.listClients('acme', { limit: 2 });
    const second = await registry.listClients('acme', { limit: 2, ...(first.next && { after: first.next }) });

    expect(first.items.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(second.items.map(({ id }) => id)).toEqual(['c']);
    expect(second.next).toBeUndefined();
  });

  it.each(['', 'a b', 'ä', 'x'.repeat(129), 'a\nb'])('knows no client %j', async (id) => {
    const { registry } = await openAcme();

    expect(await registry.findClient('acme', id)).toBeUndefined();
  });
});

describe('users', () => {
  it.each(['ann.smith', 'ANN.SMITH', 'ann@acme.test', 'ＡＮＮ.smith'])(
    'finds a user by %s',
    async (login) => {
      const { registry } = await openAcme();
      const created = await registry.createUser('acme', ann);

      const found = await registry.findUserByLogin('acme', login);

      expect(found?.user).toEqual(created);
      expect(found?.user.passwordHash).toMatch(/^\$argon2id\$/);
      expect(JSON.stringify(found)).not.toContain('correct horse');
    },
  );

  it.each(['ann', '', 'x'.repeat(10_000), 'a\u0000b'])('finds nobody by %j', async (login) => {
    const { registry } = await openAcme();
    await registry.createUser('acme', ann);

    expect(await registry.findUserByLogin('acme', login)).toBeUndefined();
  });

  it.each([
    ['a user name that differs in case', { username: 'ann.SMITH' }],
    ['an e-mail address that differs in case', { username: 'other', email: 'ANN@acme.test' }],
    ["a user name that is another one's e-mail address", { username: 'ann@acme.test' }],
  ])('refuses %s', async (_name, input) => {
    const { registry } = await openAcme();
    await registry.createUser('acme', ann);

    await expect(registry.createUser('acme', input)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('follows a user to a new name and gives the old one free', async () => {
    const { registry } = await openAcme();
    const user = await registry.createUser('acme', ann);

    await registry.updateUser('acme', user.id, (before) => ({ ...before, username: 'ann.miller' }));

    expect(await registry.findUserByLogin('acme', 'ann.smith')).toBeUndefined();
    expect((await registry.findUserByLogin('acme', 'ann.miller'))?.user.id).toBe(user.id);
    expect((await registry.createUser('acme', { username: 'ann.smith' })).id).not.toBe(user.id);
  });

  it('gives the name of a removed user free', async () => {
    const { registry } = await openAcme();
    const user = await registry.createUser('acme', ann);

    expect(await registry.removeUser('acme', user.id)).toBe(true);

    expect(await registry.removeUser('acme', user.id)).toBe(false);
    expect(await registry.findUserByLogin('acme', 'ann.smith')).toBeUndefined();
    await registry.createUser('acme', ann);
  });

  it('gives one name to exactly one of many at once', async () => {
    const { registry } = await openAcme();

    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => registry.createUser('acme', { username: 'ann' })),
    );

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await registry.listUsers('acme', { limit: 10 })).items).toHaveLength(1);
  });

  it('upgrades a hash only where it is still the one that was checked', async () => {
    const { registry } = await openAcme();
    const user = await registry.createUser('acme', ann);

    await registry.upgradePasswordHash('acme', user.id, user.passwordHash, '$argon2id$better');
    await registry.upgradePasswordHash('acme', user.id, user.passwordHash, '$argon2id$late');

    expect((await registry.findUser('acme', user.id))?.passwordHash).toBe('$argon2id$better');
  });
});

describe('isolation', () => {
  it('shows nothing of one realm in another', async () => {
    const { registry } = await openAcme();
    await registry.putRealm({ name: 'globex' });
    await registry.createClient('acme', { id: 'web', secret: 'web-secret' });
    const user = await registry.createUser('acme', ann);

    expect(await registry.findClient('globex', 'web')).toBeUndefined();
    expect(await registry.findUser('globex', user.id)).toBeUndefined();
    expect(await registry.findUserByLogin('globex', 'ann.smith')).toBeUndefined();
    expect((await registry.listClients('globex', { limit: 10 })).items).toEqual([]);
    expect((await registry.createUser('globex', ann)).id).not.toBe(user.id);
  });
});
