/** What the port of src/storage/port/port.ts promises, for every engine alike. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomId } from '../../src/base/random.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { conditions, spending, stamps } from './contract/commits.ts';
import { closing, cuts, sinceOf } from './contract/cuts.ts';
import { documents } from './contract/documents.ts';
import { counters, indexes, messages } from './contract/lists.ts';
import { keyIn } from './contract/support.ts';

/** `open` opens one more instance on the same data, as another process would. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let a: Store;
    let b: Store;
    beforeAll(async () => {
      a = await open();
      b = await open();
    });
    afterAll(async () => {
      await a.close();
      await b.close();
    });
    const stores = (): [Store, Store] => [a, b];

    describe('documents', () => documents(stores));
    describe('conditions', () => conditions(stores));
    describe('spending', () => spending(stores));
    describe('stamps', () => stamps(stores));
    describe('cuts', () => cuts(stores));
    describe('closed nodes', () => closing(stores));
    describe('since', () => sinceOf(stores));
    describe('indexes', () => indexes(stores));
    describe('counters', () => counters(stores));
    describe('messages', () => messages(stores));

    it('answers a ping', async () => {
      await expect(a.ping()).resolves.toBeUndefined();
    });

    it('is unavailable once it is closed', async () => {
      const store = await open();
      await store.close();

      await expect(store.read([keyIn(randomId())])).rejects.toMatchObject({ code: 'unavailable' });
      await expect(store.ping()).rejects.toMatchObject({ code: 'unavailable' });
    });
  });
}
