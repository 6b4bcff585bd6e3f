/** The removal of a realm with many users: others are served meanwhile, and it can stop halfway and go on. */
import { expect, it } from 'vitest';
import { Failure } from '../../src/base/errors.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { isPatienceOver, withSharedPatience } from '../../src/storage/port/request-patience.ts';
import { openRegistry } from './registry-support.ts';

const USERS = 200;
/** So many are removed by one commit. */
const AT_A_TIME = 50;

async function openCrowded(stopping?: AbortSignal) {
  const opened = await openRegistry(stopping === undefined ? {} : { stopping });
  const { registry } = opened;
  await registry.putRealm({ name: 'acme' });
  for (let from = 0; from < USERS; from += 50) {
    const users = Array.from({ length: 50 }, (_, at) => ({ username: `user-${from + at}` }));
    await registry.importUsers('acme', users);
  }
  return opened;
}

it('lets others have their turn between any two commits', async () => {
  const { registry } = await openCrowded();
  const state = { isOver: false, turns: 0 };
  const turn = () => {
    state.turns += 1;
    if (!state.isOver) setImmediate(turn);
  };
  setImmediate(turn);

  await registry.removeRealm('acme');
  state.isOver = true;

  expect(state.turns).toBeGreaterThanOrEqual(USERS / AT_A_TIME);
});

it('ends when the process is to stop, with the realm disabled, and goes on when it is asked again', async () => {
  const stopping = new AbortController();
  const { registry, connect } = await openCrowded(stopping.signal);
  stopping.abort();

  await expect(registry.removeRealm('acme')).rejects.toMatchObject({ code: 'unavailable' });

  expect((await registry.readRealm('acme'))?.enabled).toBe(false);
  const { items } = await registry.listUsers('acme', { limit: 1000 });
  expect(items).toHaveLength(USERS - AT_A_TIME);
  // The process that comes next.
  const { registry: next } = connect(new AbortController().signal);
  expect(await next.removeRealm('acme')).toBe(true);
  await next.putRealm({ name: 'acme' });
  expect((await next.listUsers('acme', { limit: 1000 })).items).toEqual([]);
});

/** A store that takes a third of a second for each call, by a clock of its own, and gives up as Redis' engine does. */
function slow(store: Store): Store {
  const time = { ms: 0 };
  const waited = () => {
    time.ms += 333;
    if (isPatienceOver(333, time.ms)) throw new Failure('unavailable', 'the request has waited long enough');
  };
  return {
    ...store,
    async read(keys) {
      waited();
      return store.read(keys);
    },
    async commit(writes) {
      waited();
      return store.commit(writes);
    },
  };
}

it('is not given up, nor is an import, because of all the time that a request has waited for a slow store', async () => {
  const { store, registryOn, registry } = await openCrowded();
  const slowly = registryOn(slow(store));
  await registry.putRealm({ name: 'acme', enabled: false });
  await registry.putRealm({ name: 'globex' });

  await withSharedPatience(async () => {
    for (let at = 0; at < 10; at += 1) await slowly.importUsers('globex', [{ username: `user-${at}` }]);
  });
  await withSharedPatience(async () => {
    expect(await slowly.removeRealm('acme')).toBe(true);
  });

  expect((await registry.listUsers('globex', { limit: 100 })).items).toHaveLength(10);
});
