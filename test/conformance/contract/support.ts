/** What the parts of the contract share. */
import { expect } from 'vitest';
import { randomId } from '../../../src/base/random.ts';
import type { Document, Key, Store, Write } from '../../../src/storage/port/port.ts';

/** Two instances on the same data. */
export type Stores = () => [Store, Store];

export function keyIn(realm: string, id = 'x', kind = 'thing'): Key {
  return { realm, kind, id };
}

export async function readOne(store: Store, key: Key): Promise<Document | undefined> {
  const [document] = await store.read([key]);
  return document;
}

export async function commitOk(store: Store, ...writes: Write[]): Promise<number> {
  const result = await store.commit(writes);
  if (!result.ok) throw new Error(`refused: step ${result.step}, ${result.reason}`);
  return result.stamp;
}

/** Resolves when `ttl` seconds have passed for the store. */
export async function passed(store: Store, ttl: number): Promise<void> {
  const marker = keyIn(randomId());
  await commitOk(store, { put: marker, value: '', ttl });
  await expect.poll(() => readOne(store, marker)).toBeUndefined();
}

/** Subscribes, and resolves when messages are heard. */
export async function listen(store: Store, topic: string) {
  const heard: { realm: string; message: string }[] = [];
  const gaps: true[] = [];
  const stop = store.subscribe(topic, {
    onMessage: (message) => heard.push(message),
    onGap: () => gaps.push(true),
  });
  await expect
    .poll(async () => {
      await commitOk(store, { publish: topic, realm: 'probe', message: 'are you there' });
      return heard.length;
    })
    .toBeGreaterThan(0);
  return { heard: () => heard.filter(({ realm }) => realm !== 'probe'), gaps, stop };
}
