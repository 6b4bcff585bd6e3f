import { describe, expect, it } from 'vitest';
import { loadRealmFiles } from '../../src/config/realm-files.ts';
import type { RealmFile } from '../../src/registry/model/model.ts';
import { clientKey, settingsKey, userKey } from '../../src/registry/store/records.ts';
import { issueBelow, openRegistry, stampsOf } from './registry-support.ts';

const file: RealmFile = {
  name: 'acme',
  apis: [
    { id: 'analytics', audience: 'https://analytics.acme.test', permissions: [{ name: 'reports:read' }] },
  ],
  roles: [{ name: 'analyst', permissions: ['analytics:reports:read'] }],
  clients: [{ id: 'web', secret: 'web-secret', roles: ['analyst'] }],
  users: [{ username: 'ann', password: 'correct horse', roles: ['analyst'], name: 'Ann' }],
};

async function openAcme() {
  const opened = await openRegistry();
  await opened.registry.applyRealm(file);
  const found = await opened.registry.findUserByLogin('acme', 'ann');
  const id = found?.user.id ?? '';
  const keys = [settingsKey('acme'), clientKey('acme', 'web'), userKey('acme', id)];
  return { ...opened, id, keys };
}

describe('applying a realm file', () => {
  it('creates what it names', async () => {
    const { registry } = await openRegistry();

    const applied = await registry.applyRealm(file);

    expect(applied).toEqual({ created: ['realm acme', 'client web', 'user ann'], updated: [], unchanged: 0 });
    expect((await registry.findRealm('acme'))?.defaultApi?.id).toBe('analytics');
    expect((await registry.findClient('acme', 'web'))?.secret).toBe('web-secret');
    expect((await registry.findUserByLogin('acme', 'ann'))?.user).toMatchObject({
      name: 'Ann',
      enabled: true,
    });
    expect((await registry.listRealms({ limit: 10 })).items.map(({ name }) => name)).toEqual(['acme']);
  });

  it('again writes nothing and hashes nothing', async () => {
    const { registry, store, keys, counted } = await openAcme();
    const before = await stampsOf(store, keys);

    const applied = await registry.applyRealm(file);

    expect(applied).toEqual({ created: [], updated: [], unchanged: 3 });
    expect(await stampsOf(store, keys)).toEqual(before);
    expect(before).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    expect(counted).toEqual({ hashed: 1, verified: 0 });
  });

  it('writes only what has changed', async () => {
    const { registry, store, keys } = await openAcme();
    const [settings, client, user] = await stampsOf(store, keys);

    const applied = await registry.applyRealm({
      ...file,
      clients: [{ id: 'web', secret: 'another-secret' }],
    });

    expect(applied).toEqual({ created: [], updated: ['client web'], unchanged: 2 });
    const after = await stampsOf(store, keys);
    expect([after[0], after[2]]).toEqual([settings, user]);
    expect(after[1]).toBeGreaterThan(client ?? 0);
    expect(await registry.findClient('acme', 'web')).toMatchObject({ secret: 'another-secret', roles: [] });
  });

  it('does not touch what it does not name', async () => {
    const { registry } = await openAcme();
    await registry.createClient('acme', { id: 'other' });
    await registry.createUser('acme', { username: 'bob' });
    await registry.updateRealm('acme', (settings) => ({
      ...settings,
      roles: [...settings.roles, { name: 'auditor', permissions: [], includes: [] }],
      compat: { informer: { reports: ['x'] } },
    }));

    const applied = await registry.applyRealm(file);

    expect(applied.updated).toEqual([]);
    expect(await registry.findClient('acme', 'other')).toBeDefined();
    expect(await registry.findUserByLogin('acme', 'bob')).toBeDefined();
    const realm = await registry.findRealm('acme');
    expect(realm?.roles.map(({ name }) => name)).toEqual(['analyst', 'auditor']);
    expect(realm?.compat).toEqual({ informer: { reports: ['x'] } });
  });

  it('leaves disabled what was disabled, unless the file says otherwise', async () => {
    const { registry, id } = await openAcme();
    await registry.updateClient('acme', 'web', (client) => ({ ...client, enabled: false }));
    await registry.updateUser('acme', id, (user) => ({ ...user, enabled: false }));
    await registry.updateRealm('acme', (settings) => ({ ...settings, enabled: false }));

    expect((await registry.applyRealm(file)).updated).toEqual([]);
    expect((await registry.findClient('acme', 'web'))?.enabled).toBe(false);
    expect((await registry.findUser('acme', id))?.enabled).toBe(false);
    expect((await registry.findRealm('acme'))?.enabled).toBe(false);

    const clients = [{ ...file.clients?.[0], id: 'web', enabled: true }];
    expect((await registry.applyRealm({ ...file, enabled: true, clients })).updated).toEqual([
      'realm acme',
      'client web',
    ]);
    expect((await registry.findRealm('acme'))?.enabled).toBe(true);
    expect((await registry.findClient('acme', 'web'))?.enabled).toBe(true);
  });

  it('leaves what a user has filled in, and takes away a role that the file does not give', async () => {
    const { registry, store, id } = await openAcme();
    await registry.updateUser('acme', id, (user) => ({ ...user, locale: 'de', roles: ['analyst', 'extra'] }));
    const issued = await issueBelow(store, 'acme', `u:${id}`);

    await registry.applyRealm(file);

    expect(await registry.findUser('acme', id)).toMatchObject({ locale: 'de', roles: ['analyst'] });
    expect(await issued.isAlive()).toBe(false);
  });

  it('recognises its passwords by a digest that is of this user, hash and password', async () => {
    const { registry, id, counted, connect } = await openAcme();
    const applied = await registry.findUser('acme', id);
    expect(applied?.appliedPassword).not.toContain('correct horse');
    await registry.updateUser('acme', id, ({ appliedPassword: _, ...user }) => user);

    await registry.applyRealm(file);
    await connect().registry.applyRealm(file);

    expect(counted).toEqual({ hashed: 1, verified: 1 });
    const other = { username: 'bob', password: 'correct horse' };
    await registry.applyRealm({ name: 'acme', users: [other] });
    const bob = (await registry.findUserByLogin('acme', 'bob'))?.user;
    expect(bob?.appliedPassword).not.toBe(applied?.appliedPassword);
  });

  it('waits for its place among logins, however many passwords it has', async () => {
    const { registry, counted } = await openRegistry({ maxWaiting: 1 });
    const users = Array.from({ length: 40 }, (_, n) => ({
      username: `user${n}`,
      password: `password-of-${n}`,
    }));

    const applied = await registry.applyRealm({ name: 'many', users });

    expect(applied.created).toHaveLength(41);
    expect((await registry.applyRealm({ name: 'many', users })).unchanged).toBe(41);
    expect(counted.verified).toBe(0);
  });

  it('sets the password of the file where another one was set, and cuts the user', async () => {
    const { registry, store, id, counted } = await openAcme();
    await registry.updateUser('acme', id, (user) => ({ ...user, password: 'battery staple' }));
    const changed = (await registry.findUser('acme', id))?.passwordHash;
    const issued = await issueBelow(store, 'acme', `u:${id}`);

    const applied = await registry.applyRealm(file);

    expect(applied.updated).toEqual(['user ann']);
    expect((await registry.findUser('acme', id))?.passwordHash).not.toBe(changed);
    expect(counted.hashed).toBe(3);
    expect(await issued.isAlive()).toBe(false);
  });

  it('imports a hash once and then leaves the better one that replaced it', async () => {
    const { registry } = await openRegistry();
    const users = [{ username: 'ann', passwordHash: '$2b$10$imported' }];
    await registry.applyRealm({ ...file, users });
    const found = await registry.findUserByLogin('acme', 'ann');
    await registry.upgradePasswordHash('acme', found?.user.id ?? '', '$2b$10$imported', '$argon2id$better');

    expect((await registry.applyRealm({ ...file, users })).updated).toEqual([]);
    expect((await registry.findUserByLogin('acme', 'ann'))?.user.passwordHash).toBe('$argon2id$better');
  });

  it.each([
    ['the address', { username: 'eve', email: 'ann@acme.test' }],
    ['the address as user name', { username: 'Ann@acme.test' }],
    ['another id for the user name', { id: '0b2f6a3e-5a0c-4c58-9d0e-6b1b3f3f5a11', username: 'ann' }],
  ])('that gives somebody %s of another user is refused and changes nothing', async (_name, user) => {
    const { registry, id } = await openAcme();
    await registry.updateUser('acme', id, (before) => ({ ...before, email: 'ann@acme.test' }));

    const refused = registry.applyRealm({ ...file, displayName: 'New', users: [user] });

    await expect(refused).rejects.toMatchObject({ code: 'conflict' });
    expect((await registry.findRealm('acme'))?.displayName).toBeUndefined();
    expect((await registry.findUser('acme', id))?.username).toBe('ann');
  });

  it('renames a user who is known by id', async () => {
    const { registry, id } = await openAcme();

    await registry.applyRealm({ ...file, users: [{ id, username: 'ann.miller' }] });

    expect((await registry.findUserByLogin('acme', 'ann.miller'))?.user.id).toBe(id);
    expect(await registry.findUserByLogin('acme', 'ann')).toBeUndefined();
  });

  it('makes its own default the only one, and its own API the one of an audience', async () => {
    const { registry } = await openAcme();
    await registry.applyRealm({
      name: 'acme',
      apis: [{ id: 'billing', audience: 'https://billing.acme.test', permissions: [], default: true }],
    });
    await registry.applyRealm({
      name: 'acme',
      apis: [{ id: 'stats', audience: 'https://analytics.acme.test', permissions: [], default: true }],
    });

    const realm = await registry.findRealm('acme');

    expect(realm?.defaultApi?.id).toBe('stats');
    expect(realm?.apis.map((api) => [api.id, api.default ?? false])).toEqual([
      ['billing', false],
      ['stats', true],
    ]);
  });

  it('by two processes at once ends as by one', async () => {
    const { registry, connect } = await openRegistry();
    const second = connect().registry;

    const applied = await Promise.all([registry.applyRealm(file), second.applyRealm(file)]);

    expect(applied.flatMap(({ created }) => created).toSorted()).toEqual([
      'client web',
      'realm acme',
      'user ann',
    ]);
    expect((await registry.listUsers('acme', { limit: 10 })).items).toHaveLength(1);
  });

  it('works for more things than fit into one commit', async () => {
    const { registry } = await openRegistry();
    const clients = Array.from({ length: 300 }, (_, n) => ({ id: `client-${n}` }));
    const users = Array.from({ length: 300 }, (_, n) => ({ username: `user-${n}` }));

    const first = await registry.applyRealm({ name: 'big', clients, users });
    const second = await registry.applyRealm({ name: 'big', clients, users });

    expect(first.created).toHaveLength(601);
    expect(second).toEqual({ created: [], updated: [], unchanged: 601 });
    expect((await registry.findUserByLogin('big', 'user-299'))?.user.username).toBe('user-299');
  });

  it('of this repository is idempotent', async () => {
    const { registry } = await openRegistry();
    const realms = await loadRealmFiles('config', {});
    for (const realm of realms) await registry.applyRealm(realm.file);

    const again = await Promise.all(realms.map((realm) => registry.applyRealm(realm.file)));

    expect(again.map(({ created, updated }) => [created, updated])).toEqual([
      [[], []],
      [[], []],
    ]);
    const acme = await registry.findRealm('acme');
    const ada = await registry.findUserByLogin('acme', 'ada.admin');
    const permissions = acme?.permissionsOfRoles(ada?.user.roles ?? []) ?? new Set();
    const all = [...(acme?.apisByAudience.values() ?? [])].flatMap((api) =>
      api.permissions.map(({ name }) => `${api.id}:${name}`),
    );
    expect([...permissions].toSorted()).toEqual(all.toSorted());
  });
});
