import { describe, expect, it, vi } from 'vitest';
import { createCache } from '../../src/registry/store/cache.ts';
import { clientKey, settingsKey } from '../../src/registry/store/records.ts';
import { openRegistry } from './registry-support.ts';

async function openTwo() {
  const opened = await openRegistry();
  await opened.registry.putRealm({ name: 'acme', displayName: 'first' });
  await opened.registry.createClient('acme', { id: 'web', clientName: 'first' });
  return { ...opened, second: opened.connect().registry };
}

describe('what a process remembers', () => {
  it('follows a change of the realm by another process', async () => {
    const { registry, second } = await openTwo();
    await second.findRealm('acme');

    await registry.updateRealm('acme', (settings) => ({ ...settings, displayName: 'later' }));

    await vi.waitFor(async () => expect((await second.findRealm('acme'))?.displayName).toBe('later'));
  });

  it('follows a change of a client by another process', async () => {
    const { registry, second } = await openTwo();
    await second.findClient('acme', 'web');
    await second.findClient('acme', 'new');

    await registry.updateClient('acme', 'web', (client) => ({ ...client, clientName: 'later' }));
    await registry.createClient('acme', { id: 'new' });

    await vi.waitFor(async () => {
      expect((await second.findClient('acme', 'web'))?.clientName).toBe('later');
      expect(await second.findClient('acme', 'new')).toBeDefined();
    });
  });

  it('follows its own changes before they are acknowledged', async () => {
    const { registry } = await openTwo();
    await registry.findClient('acme', 'web');

    await registry.updateClient('acme', 'web', (client) => ({ ...client, clientName: 'later' }));
    const changed = await registry.findClient('acme', 'web');
    await registry.removeClient('acme', 'web');

    expect(changed?.clientName).toBe('later');
    expect(await registry.findClient('acme', 'web')).toBeUndefined();
  });

  it('is served without the store, and read again after half a minute', async () => {
    const { registry, store, time } = await openTwo();
    await registry.findRealm('acme');
    await registry.findClient('acme', 'web');
    await store.commit([{ remove: settingsKey('acme') }, { remove: clientKey('acme', 'web') }]);

    time.now += 29_000;
    const remembered = [await registry.findRealm('acme'), await registry.findClient('acme', 'web')];
    time.now += 2_000;

    expect(remembered).toEqual([expect.anything(), expect.anything()]);
    expect(await registry.findRealm('acme')).toBeUndefined();
    expect(await registry.findClient('acme', 'web')).toBeUndefined();
  });

  it('tells who listens what has changed, here and elsewhere', async () => {
    const { registry, second } = await openTwo();
    const here: unknown[] = [];
    const elsewhere: unknown[] = [];
    registry.onChange((...change) => here.push(change));
    const stop = second.onChange((...change) => elsewhere.push(change));

    const { id } = await registry.createUser('acme', { username: 'ann' });
    await registry.updateClient('acme', 'web', (client) => ({ ...client, enabled: false }));
    await vi.waitFor(() => expect(elsewhere).toHaveLength(2));
    stop();
    await registry.updateRealm('acme', (settings) => ({ ...settings, displayName: 'later' }));

    const changes = [
      ['acme', 'user', id],
      ['acme', 'client', 'web'],
    ];
    expect(elsewhere).toEqual(changes);
    expect(here).toEqual(expect.arrayContaining([...changes, ['acme', 'realm', undefined]]));
  });
});

describe('a gap in the messages', () => {
  it('makes a process read again all that it remembers, and tells who listens', async () => {
    const { registry, store, reconnecting } = await openTwo();
    const { registry: other, gap } = reconnecting();
    await Promise.all([other.findRealm('acme'), other.findClient('acme', 'web'), registry.findRealm('acme')]);
    let payload = 0;
    other.onChange(
      () => undefined,
      () => {
        payload += 1;
      },
    );
    await store.commit([{ remove: settingsKey('acme') }, { remove: clientKey('acme', 'web') }]);

    gap();

    expect(await other.findRealm('acme')).toBeUndefined();
    expect(await other.findClient('acme', 'web')).toBeUndefined();
    expect(await registry.findRealm('acme')).toBeDefined();
    expect(payload).toBe(1);
  });
});

describe('a doubt about the messages', () => {
  it('makes a process read through, until it is over', async () => {
    const { store, reconnecting } = await openTwo();
    const { registry: other, gap, doubt } = reconnecting();
    await other.findClient('acme', 'web');

    doubt();
    const during = await other.findClient('acme', 'web');
    await store.commit([{ remove: clientKey('acme', 'web') }]);

    expect(during).toBeDefined();
    expect(await other.findClient('acme', 'web')).toBeUndefined();
    gap();
    const realm = await other.findRealm('acme');
    expect(await other.findRealm('acme')).toBe(realm);
  });
});

describe('cache', () => {
  it('does not remember a look-up that a change overtook', async () => {
    const answers: ((value: { n: number }) => void)[] = [];
    const cache = createCache<{ n: number }>({
      load: () => new Promise((resolve) => answers.push(resolve)),
      max: 10,
      ttlMs: 1000,
      clock: () => 0,
    });

    const early = cache.find('x');
    cache.drop('x');
    const late = cache.find('x');
    answers[1]?.({ n: 2 });
    answers[0]?.({ n: 1 });

    expect(await early).toEqual({ n: 1 });
    expect(await late).toEqual({ n: 2 });
    expect(await cache.find('x')).toEqual({ n: 2 });
    expect(answers).toHaveLength(2);
  });

  it('shares one look-up between all who ask at once, and forgets one that failed', async () => {
    let calls = 0;
    const cache = createCache<object>({
      load: async () => {
        calls += 1;
        if (calls === 1) throw new Error('not now');
        return {};
      },
      max: 10,
      ttlMs: 1000,
      clock: () => 0,
    });

    const failed = await Promise.allSettled([cache.find('x'), cache.find('x')]);
    await cache.find('x');

    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(calls).toBe(2);
  });

  it('keeps what is there through a flood of names that are not', async () => {
    const loads: string[] = [];
    const cache = createCache<object>({
      load: async (key) => {
        loads.push(key);
        return key === 'real' ? {} : undefined;
      },
      max: 2,
      ttlMs: 1000,
      clock: () => 0,
    });
    await cache.find('real');

    for (const key of ['a', 'b', 'c', 'd']) await cache.find(key);
    await cache.find('real');
    await cache.find('d');

    expect(loads).toEqual(['real', 'a', 'b', 'c', 'd']);
  });
});
