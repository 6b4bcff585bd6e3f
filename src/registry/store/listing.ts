import type { Document, Key, Store } from '../../storage/port/port.ts';

/** `limit` 1 to 1,000; `after` is the `next` of the page before; `prefix`: only members that begin with it. */
export type PageRequest = { readonly limit: number; readonly after?: string; readonly prefix?: string };

export type Listed<T> = { readonly items: readonly T[]; readonly next?: string };

type Listing<T> = {
  readonly index: Key;
  readonly page: PageRequest;
  keyOf(member: string): Key;
  decode(key: Key, document: Document): T;
};

/**
 * A page of documents, read through their index. Members whose document does not exist are left out. Two round trips.
 */
export async function readListed<T>(
  store: Store,
  { index, page, keyOf, decode }: Listing<T>,
): Promise<Listed<T>> {
  const { members, next } = await store.list(index, page);
  const keys = members.map(keyOf);
  const documents = keys.length === 0 ? [] : await store.read(keys);
  const items = keys.flatMap((key, at) => {
    const document = documents[at];
    return document === undefined ? [] : [decode(key, document)];
  });
  return { items, ...(next !== undefined && { next }) };
}
