/** Work under an Idempotency-Key is done once, whatever happens to the store. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Failure } from '../../src/base/errors.ts';
import { createSealer } from '../../src/keys/seal.ts';
import { createEmbeddedStore } from '../../src/storage/embedded/store.ts';
import type { Store } from '../../src/storage/port/port.ts';
import type { AdminCaller } from '../../src/surfaces/admin/shared/caller.ts';
import { answerOnce } from '../../src/surfaces/admin/shared/idempotency.ts';

const caller: AdminCaller = {
  realm: 'acme',
  actor: { kind: 'client', id: 'root' },
  isServerWide: false,
  may: () => true,
};

/** A store whose commits fail while `fails` says so. */
async function setUp(fails: () => boolean) {
  const folder = await mkdtemp(join(tmpdir(), 'idempotency-'));
  const inner = createEmbeddedStore({ path: join(folder, 'daypass.db'), clock: Date.now });
  onTestFinished(async () => {
    await inner.close();
    await rm(folder, { recursive: true });
  });
  const store: Store = {
    ...inner,
    commit: (writes) =>
      fails() ? Promise.reject(new Failure('unavailable', 'the store is away')) : inner.commit(writes),
  };
  const deps = { store, seal: createSealer(Buffer.alloc(32, 7)) };
  return (work: () => Promise<{ status: number }>) =>
    answerOnce({ deps, caller, key: 'a-key', request: 'POST /x' }, work);
}

it('is not done again when its answer could not be kept', async () => {
  let isAway = false;
  let count = 0;
  const once = await setUp(() => isAway);
  const work = async () => {
    count += 1;
    isAway = true;
    return { status: 201 };
  };

  await expect(once(work)).rejects.toThrow('the store is away');
  isAway = false;

  await expect(once(work)).rejects.toThrow('not answered yet');
  expect(count).toBe(1);
});

it('is done again when it was refused', async () => {
  const once = await setUp(() => false);

  await expect(once(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');

  expect(await once(() => Promise.resolve({ status: 201 }))).toEqual({ status: 201 });
});
