import { Failure } from '../../base/errors.ts';
import type { Stamp, Store, Write } from '../../storage/port/port.ts';
import { type Client, type ClientInput, client as clientSchema } from '../model/model.ts';
import { originWrites } from '../model/origins.ts';
import { parseInput } from '../model/parse-input.ts';
import { type Allow, type Committer, isSame, retried } from './committer.ts';
import { clientEffects, type Narrowing } from './effects.ts';
import { type Listed, type PageRequest, readListed } from './listing.ts';
import { type Codec, clientKey, clientsIndex } from './records.ts';

/** Seconds that a client of an open registration is kept without being used. */
const UNUSED_TTL = 7 * 86_400;

type Stored<T> = { readonly value: T; readonly stamp: number };

/** What the writes of a change are made with. */
export type WriteDeps = { readonly codec: Codec; readonly narrowing: Narrowing };

export type ClientDeps = WriteDeps & { readonly store: Store; readonly committer: Committer };

/** Clients of a realm, read from the store; nothing is cached here. */
export function createClients(deps: ClientDeps) {
  const { store, codec, committer } = deps;

  async function find(
    realm: string,
    id: string,
  ): Promise<(Stored<Client> & { readonly readAt: Stamp }) | undefined> {
    const key = clientKey(realm, id);
    const [document] = await store.read([key]);
    if (document === undefined) return undefined;
    return { value: codec.decodeClient(key, document.value), stamp: document.stamp, readAt: document.now };
  }

  async function create(realm: string, input: ClientInput): Promise<Client> {
    const created = parseInput(clientSchema, input);
    const writes = clientWrites(deps, realm, { before: undefined, after: created });
    const result = await committer.commit(realm, writes, [
      { what: 'client', id: created.id, after: created },
    ]);
    if (result.ok) return created;
    if (result.reason === 'exists') throw new Failure('conflict', `client "${created.id}" exists already`);
    throw new Failure('busy', 'the realm is being changed, try again');
  }

  function update(realm: string, id: string, change: (client: Client) => Client): Promise<Client> {
    return retried(async () => {
      const before = await get(realm, id);
      const after = parseInput(clientSchema, change(before.value));
      if (after.id !== id) throw new Failure('invalid_input', 'the id of a client cannot be changed');
      if (isSame(before.value, after)) return before.value;
      const writes = clientWrites(deps, realm, { before, after });
      const made = { what: 'client', id, before: before.value, after } as const;
      const result = await committer.commit(realm, writes, [made]);
      return result.ok ? after : undefined;
    });
  }

  function remove(realm: string, id: string, allow?: Allow<Client>): Promise<boolean> {
    return retried(async () => {
      const before = await find(realm, id);
      if (before === undefined) return false;
      allow?.(before.value);
      const writes = clientWrites(deps, realm, { before, after: undefined });
      const made = { what: 'client', id, before: before.value } as const;
      const result = await committer.commit(realm, writes, [made]);
      return result.ok ? true : undefined;
    });
  }

  function list(realm: string, page: PageRequest): Promise<Listed<Client>> {
    return readListed(store, {
      index: clientsIndex(realm),
      page,
      keyOf: (id) => clientKey(realm, id),
      decode: (key, { value }) => codec.decodeClient(key, value),
    });
  }

  async function get(realm: string, id: string): Promise<Stored<Client>> {
    const found = await find(realm, id);
    if (found === undefined) throw new Failure('not_found', `client "${id}" does not exist`);
    return found;
  }

  return { find, create, update, remove, list };
}

export type Clients = ReturnType<typeof createClients>;

/**
 * The writes of one change. They are refused when the stored client is not what `before` says. One of `before` and
 * `after` is present.
 */
export function clientWrites(
  { codec, narrowing }: WriteDeps,
  realm: string,
  { before, after }: { before: Stored<Client> | undefined; after: Client | undefined },
): readonly Write[] {
  const value = after ?? before?.value;
  if (value === undefined) return [];
  const key = clientKey(realm, value.id);
  const effects = clientEffects(narrowing, realm, { id: value.id, before: before?.value, after });
  const put: Write = {
    put: key,
    value: codec.encodeClient(realm, value),
    onlyIf: before?.stamp ?? 'absent',
  };
  if (after === undefined) return [put, ...clientRemoval(realm, value), ...effects];
  const life = after.unused === true ? { ttl: UNUSED_TTL } : {};
  // Whatever hangs in an index for a week only is put there anew when the client stays.
  const known = before?.value.unused === true ? undefined : before?.value;
  const index = known === undefined ? [{ index: clientsIndex(realm), member: value.id }] : [];
  const origins = [
    ...originWrites(realm, value.id, { before: before?.value, after }),
    ...(known === before?.value ? [] : originWrites(realm, value.id, { before: undefined, after })),
  ];
  const indexed = [...index, ...origins].map((write) => ('index' in write ? { ...write, ...life } : write));
  return [{ ...put, ...life }, ...indexed, ...effects];
}

export function clientRemoval(realm: string, client: Client): readonly Write[] {
  return [
    { remove: clientKey(realm, client.id) },
    { unindex: clientsIndex(realm), member: client.id },
    ...originWrites(realm, client.id, { before: client, after: undefined }),
  ];
}
