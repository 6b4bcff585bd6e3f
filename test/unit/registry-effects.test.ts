import { describe, expect, it } from 'vitest';
import type { Client, RealmSettings, User } from '../../src/registry/model/model.ts';
import { issueBelow, openRegistry } from './registry-support.ts';

async function openAcme() {
  const opened = await openRegistry();
  const { registry } = opened;
  await registry.putRealm({ name: 'acme', roles: [{ name: 'analyst' }, { name: 'lead' }] });
  await registry.createClient('acme', {
    id: 'web',
    roles: ['analyst', 'lead'],
    permissions: ['a:x', 'a:y'],
    exchanges: ['orders', 'ledger'],
  });
  const user = await registry.createUser('acme', { username: 'ann', roles: ['analyst', 'lead'] });
  return { ...opened, user };
}

describe('a client', () => {
  it.each<[string, (client: Client) => Client]>([
    ['loses a role', (client) => ({ ...client, roles: ['lead'] })],
    ['gets a smaller ceiling', (client) => ({ ...client, permissions: ['a:x'] })],
    ['may exchange for an API less', (client) => ({ ...client, exchanges: ['ledger'] })],
    ['may exchange no more', ({ exchanges: _, ...client }) => client],
    ['is disabled', (client) => ({ ...client, enabled: false })],
  ])('that %s kills what was issued to it', async (_name, change) => {
    const { registry, store } = await openAcme();
    const issued = await issueBelow(store, 'acme', 'c:web');
    const other = await issueBelow(store, 'acme', 'c:other');

    await registry.updateClient('acme', 'web', change);

    expect(await issued.isAlive()).toBe(false);
    expect(await other.isAlive()).toBe(true);
  });

  it.each<[string, (client: Client) => Client]>([
    ['gets a role', (client) => ({ ...client, roles: [...client.roles, 'more'] })],
    ['gets a larger ceiling', (client) => ({ ...client, permissions: ['a:x', 'a:y', 'a:z'] })],
    ['may exchange for an API more', (client) => ({ ...client, exchanges: ['orders', 'ledger', 'shop'] })],
    ['gets another secret', (client) => ({ ...client, secret: 'another-secret' })],
    ['loses its ceiling', ({ permissions: _, ...client }) => client],
  ])('that %s keeps what was issued to it', async (_name, change) => {
    const { registry, store } = await openAcme();
    const issued = await issueBelow(store, 'acme', 'c:web');

    await registry.updateClient('acme', 'web', change);

    expect(await issued.isAlive()).toBe(true);
  });

  it('that gets its first ceiling loses what was issued to it', async () => {
    const { registry, store } = await openAcme();
    await registry.createClient('acme', { id: 'wide' });
    const issued = await issueBelow(store, 'acme', 'c:wide');

    await registry.updateClient('acme', 'wide', (client) => ({ ...client, permissions: ['a:x'] }));

    expect(await issued.isAlive()).toBe(false);
  });

  it('gets nothing while it is disabled, and again when it is enabled, but not what it had', async () => {
    const { registry, store } = await openAcme();
    const issued = await issueBelow(store, 'acme', 'c:web');

    await registry.updateClient('acme', 'web', (client) => ({ ...client, enabled: false }));
    const refused = await issueBelow(store, 'acme', 'c:web');
    await registry.updateClient('acme', 'web', (client) => ({ ...client, enabled: true }));
    const fresh = await issueBelow(store, 'acme', 'c:web');

    expect(refused.result).toMatchObject({ ok: false, reason: 'closed' });
    expect(await fresh.isAlive()).toBe(true);
    expect(await issued.isAlive()).toBe(false);
  });

  it('created disabled gets nothing', async () => {
    const { registry, store } = await openAcme();

    await registry.createClient('acme', { id: 'off', enabled: false });

    expect((await issueBelow(store, 'acme', 'c:off')).result).toMatchObject({ reason: 'closed' });
  });

  it.each([true, false])('removed (enabled: %s) gets nothing; its successor does', async (enabled) => {
    const { registry, store } = await openAcme();
    const issued = await issueBelow(store, 'acme', 'c:web');
    await registry.updateClient('acme', 'web', (client) => ({ ...client, enabled }));

    await registry.removeClient('acme', 'web');
    const refused = await issueBelow(store, 'acme', 'c:web');
    await registry.createClient('acme', { id: 'web' });
    const fresh = await issueBelow(store, 'acme', 'c:web');

    expect(refused.result).toMatchObject({ ok: false, reason: 'closed' });
    expect(await fresh.isAlive()).toBe(true);
    expect(await issued.isAlive()).toBe(false);
  });
});

describe('a user', () => {
  it.each<[string, (user: User) => User]>([
    ['loses a role', (user) => ({ ...user, roles: ['lead'] })],
    ['gets another password', (user) => ({ ...user, password: 'battery staple' })],
    ['is disabled', (user) => ({ ...user, enabled: false })],
  ])('who %s loses what was issued for them', async (_name, change) => {
    const { registry, store, user } = await openAcme();
    const issued = await issueBelow(store, 'acme', `u:${user.id}`);

    await registry.updateUser('acme', user.id, change);

    expect(await issued.isAlive()).toBe(false);
  });

  it('whose name changes keeps what was issued, unless a cut is asked for', async () => {
    const { registry, store, user } = await openAcme();
    const issued = await issueBelow(store, 'acme', `u:${user.id}`);

    await registry.updateUser('acme', user.id, (before) => ({ ...before, name: 'Ann' }));
    const afterChange = await issued.isAlive();
    await registry.updateUser('acme', user.id, (before) => before, true);

    expect(afterChange).toBe(true);
    expect(await issued.isAlive()).toBe(false);
  });

  it('whose hash is only upgraded keeps what was issued', async () => {
    const { registry, store, user } = await openAcme();
    const issued = await issueBelow(store, 'acme', `u:${user.id}`);

    await registry.upgradePasswordHash('acme', user.id, user.passwordHash, '$argon2id$better');

    expect(await issued.isAlive()).toBe(true);
  });

  it('who is removed gets nothing any more', async () => {
    const { registry, store, user } = await openAcme();
    const issued = await issueBelow(store, 'acme', `u:${user.id}`);

    await registry.removeUser('acme', user.id);

    expect(await issued.isAlive()).toBe(false);
    expect((await issueBelow(store, 'acme', `u:${user.id}`)).result).toMatchObject({ reason: 'closed' });
  });
});

describe('a realm', () => {
  const disable = (settings: RealmSettings) => ({ ...settings, enabled: false });

  it('that is disabled kills all in it, and only in it', async () => {
    const { registry, store } = await openAcme();
    await registry.putRealm({ name: 'globex' });
    const issued = await issueBelow(store, 'acme', 'c:web');
    const elsewhere = await issueBelow(store, 'globex', 'c:web');

    await registry.updateRealm('acme', disable);

    expect(await issued.isAlive()).toBe(false);
    expect((await issueBelow(store, 'acme', 'c:web')).result).toMatchObject({ reason: 'closed' });
    expect(await elsewhere.isAlive()).toBe(true);
  });

  it('that is enabled again takes new tokens and leaves the old ones dead', async () => {
    const { registry, store } = await openAcme();
    const issued = await issueBelow(store, 'acme', 'c:web');
    await registry.updateRealm('acme', disable);

    await registry.updateRealm('acme', (settings) => ({ ...settings, enabled: true }));

    expect(await (await issueBelow(store, 'acme', 'c:web')).isAlive()).toBe(true);
    expect(await issued.isAlive()).toBe(false);
    expect((await registry.findRealm('acme'))?.enabled).toBe(true);
  });

  it('can be changed while it is disabled and stays closed', async () => {
    const { registry, store, user } = await openAcme();
    await registry.updateRealm('acme', disable);

    await registry.createClient('acme', { id: 'new' });
    await registry.updateUser('acme', user.id, (before) => ({ ...before, name: 'Ann' }));
    await registry.updateRealm('acme', (settings) => ({ ...settings, displayName: 'Acme' }));

    expect((await registry.findClient('acme', 'new'))?.id).toBe('new');
    expect((await registry.findUser('acme', user.id))?.name).toBe('Ann');
    expect(await registry.findRealm('acme')).toMatchObject({ displayName: 'Acme', enabled: false });
    expect((await issueBelow(store, 'acme', 'c:new')).result).toMatchObject({ reason: 'closed' });
  });

  it('can be created disabled', async () => {
    const { registry, store } = await openAcme();

    await registry.putRealm({ name: 'off', enabled: false });

    expect((await issueBelow(store, 'off', 'c:x')).result).toMatchObject({ reason: 'closed' });
  });
});
