/** The removal of what a file does not name. */
import type { Document, Key, Stamp, Store } from '../../storage/port/port.ts';
import type { Client } from '../model/model.ts';
import { clientWrites } from '../store/clients.ts';
import { clientKey, clientsIndex, userKey, usersIndex } from '../store/records.ts';
import { userWrites } from '../store/user-writes.ts';
import type { ApplyDeps, Step } from './plan.ts';

/** Clients that registered themselves are in no file, and no strays. */
export async function strayClients(
  deps: ApplyDeps,
  realm: string,
  named: ReadonlySet<string>,
): Promise<readonly Step[]> {
  const { store, codec } = deps;
  const steps: Step[] = [];
  const stored = everyStored<Client>(store, clientsIndex(realm), (id) => {
    const key = clientKey(realm, id);
    return { key, decode: ({ value }) => codec.decodeClient(key, value) };
  });
  for await (const before of stored) {
    const { id, registered } = before.value;
    if (named.has(id) || registered !== undefined) continue;
    steps.push({
      label: `client ${id}`,
      changed: { what: 'client', id, before: before.value },
      writes: clientWrites(deps, realm, { before, after: undefined }),
    });
  }
  return steps;
}

/** `named`: ids. */
export async function strayUsers(
  { store, codec }: Pick<ApplyDeps, 'store' | 'codec'>,
  realm: string,
  named: ReadonlySet<string>,
): Promise<readonly Step[]> {
  const steps: Step[] = [];
  const stored = everyStored(store, usersIndex(realm), (id) => ({
    key: userKey(realm, id),
    decode: ({ value }) => codec.decodeUser(value),
  }));
  for await (const before of stored) {
    const { id, username } = before.value;
    if (named.has(id)) continue;
    steps.push({
      label: `user ${username}`,
      changed: { what: 'user', id, before: before.value },
      writes: userWrites(codec, realm, { before, after: undefined }),
    });
  }
  return steps;
}

/** How a member of an index is read. */
type Reading<T> = { readonly key: Key; decode(document: Document): T };

const PAGE = 500;

/** Everything that an index names, as stored, a page at a time. */
async function* everyStored<T>(
  store: Store,
  index: Key,
  readingOf: (member: string) => Reading<T>,
): AsyncGenerator<{ readonly value: T; readonly stamp: Stamp }> {
  let after: string | undefined;
  do {
    const page = { limit: PAGE, ...(after !== undefined && { after }) };
    const { members, next } = await store.list(index, page);
    const readings = members.map(readingOf);
    const documents = await store.read(readings.map(({ key }) => key));
    for (const [at, { decode }] of readings.entries()) {
      const document = documents[at];
      if (document !== undefined) yield { value: decode(document), stamp: document.stamp };
    }
    after = next;
  } while (after !== undefined);
}
