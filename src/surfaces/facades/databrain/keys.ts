/**
 * API keys (each of one data app) and service tokens: those of the realm file, and in the store those that were made
 * or rotated by calls, sealed and found by their hash. A rotated key of the file leaves a record in the store too, so
 * that the next start does not bring it back.
 */
import { z } from 'zod';
import { epochSeconds } from '../../../base/clock.ts';
import { equalInConstantTime, sha256 } from '../../../base/hash.ts';
import { randomId } from '../../../base/random.ts';
import {
  keepForRealm,
  keepMemberForRealm,
  releaseFromRealm,
  releaseMemberFromRealm,
} from '../../../registry/store/realm-documents.ts';
import type { Document, Key, Stamp, Write } from '../../../storage/port/port.ts';
import type { SectionCall } from '../shared/facade.ts';
import type { DatabrainSection } from './options.ts';

type Call = Pick<SectionCall<DatabrainSection>, 'store' | 'clock' | 'seal' | 'realm' | 'section'>;

const storedKey = z.object({
  v: z.literal(1),
  kind: z.enum(['api', 'service']),
  /** The data app of an API key. */
  app: z.string().optional(),
  name: z.string().optional(),
  description: z.string().optional(),
  /** Seconds since the epoch. */
  createdAt: z.number(),
  /** Absent for a key of the realm file. */
  sealed: z.string().optional(),
  /** When a rotated key stops working (seconds since the epoch). */
  endsAt: z.number().optional(),
});

type StoredKey = z.infer<typeof storedKey>;

/** A valid credential. */
export type LiveKey = {
  readonly kind: 'api' | 'service';
  readonly app: string | undefined;
  readonly hash: string;
  readonly isRotated: boolean;
  /** Its record in the store, if it has one. */
  readonly stored?: { readonly key: StoredKey; readonly stamp: Stamp };
};

type ListedKey = {
  readonly key: string;
  readonly name: string;
  readonly description: string;
  /** Seconds since the epoch; unknown for a key of the realm file. */
  readonly createdAt: number | undefined;
};

/** The most keys that calls can make for one data app. */
const MAX_KEYS = 1000;
/** Seconds that the record of a rotated key is kept after its grace. */
const LINGER = 600;

const keyOf = (realm: string, hash: string): Key => ({ realm, kind: 'databrain-key', id: hash });
const keysOfApp = (realm: string, app: string): Key => ({ realm, kind: 'databrain-keys', id: app });
const placeOf = ({ realm, kind, id }: Key): string => `${realm}/${kind}/${id}`;
const memberOf = ({ createdAt }: Pick<StoredKey, 'createdAt'>, hash: string): string =>
  `${createdAt}.${hash}`;

export async function findKey(call: Call, given: string): Promise<LiveKey | undefined> {
  const hash = sha256(given);
  const key = keyOf(call.realm.view.name, hash);
  const [document] = await call.store.read([key]);
  const found =
    document === undefined ? keyOfFile(call.section, given, hash) : keyOfStore(call, key, document, given);
  const hasApp = found?.kind === 'service' || call.section.dataApps.some(({ name }) => name === found?.app);
  return hasApp ? found : undefined;
}

/** Regardless of cuts: a cut kills tokens, not keys. */
function keyOfStore(call: Call, key: Key, document: Document, given: string): LiveKey | undefined {
  const stored = storedKey.parse(JSON.parse(document.value));
  const { kind, app, sealed, endsAt } = stored;
  if (endsAt !== undefined && endsAt <= epochSeconds(call.clock)) return undefined;
  const value = sealed === undefined ? undefined : call.seal.open(sealed, placeOf(key));
  const isRight =
    value === undefined
      ? keyOfFile(call.section, given, key.id) !== undefined
      : equalInConstantTime(value, given);
  if (!isRight) return undefined;
  const record = { key: stored, stamp: document.stamp };
  return { kind, app, hash: key.id, isRotated: endsAt !== undefined, stored: record };
}

/** Every key of the section is compared, so that the time reveals nothing. */
function keyOfFile(section: DatabrainSection, given: string, hash: string): LiveKey | undefined {
  let found: LiveKey | undefined;
  for (const { kind, app, value } of keysInFile(section)) {
    if (equalInConstantTime(value, given)) found = { kind, app, hash, isRotated: false };
  }
  return found;
}

function keysInFile({ serviceTokens, dataApps }: DatabrainSection) {
  return [
    ...serviceTokens.map((value) => ({ kind: 'service' as const, app: undefined, value })),
    ...dataApps.flatMap(({ name, apiKeys }) =>
      apiKeys.map((value) => ({ kind: 'api' as const, app: name, value })),
    ),
  ];
}

/** A new API key; `undefined` when the data app has as many as it may have. */
export async function createApiKey(
  call: Call,
  {
    app,
    name,
    description,
  }: { readonly app: string; readonly name: string; readonly description?: string | undefined },
): Promise<string | undefined> {
  const index = keysOfApp(call.realm.view.name, app);
  const { members } = await call.store.list(index, { limit: MAX_KEYS });
  if (members.length >= MAX_KEYS) return undefined;
  const { value, writes } = newKey(call, { kind: 'api', app, name, description });
  await call.store.commit(writes);
  return value;
}

/**
 * Makes the successor of a key, which itself works for `grace` more seconds. `undefined` when it was rotated before:
 * of several callers at once exactly one gets a successor.
 */
export async function rotateKey(call: Call, old: LiveKey, grace: number): Promise<string | undefined> {
  if (old.isRotated) return undefined;
  const realm = call.realm.view.name;
  const now = epochSeconds(call.clock);
  const { kind, app, hash, stored } = old;
  const record: StoredKey = { ...(stored?.key ?? { v: 1, kind, app, createdAt: now }), endsAt: now + grace };
  const { value, writes } = newKey(call, { kind, app, name: record.name, description: record.description });
  const isOfFile = record.sealed === undefined;
  const outcome = await call.store.commit([
    {
      put: keyOf(realm, hash),
      value: JSON.stringify(record),
      onlyIf: stored?.stamp ?? 'absent',
      // The file may keep naming the key, so its record never expires.
      ...(isOfFile ? {} : { ttl: grace + LINGER }),
    },
    isOfFile ? keepForRealm(keyOf(realm, hash)) : releaseFromRealm(keyOf(realm, hash)),
    ...(app === undefined || isOfFile ? [] : leave(keysOfApp(realm, app), memberOf(record, hash))),
    ...writes,
  ]);
  return outcome.ok ? value : undefined;
}

type NewKey = Pick<StoredKey, 'kind' | 'app' | 'name' | 'description'>;

function newKey(call: Call, fields: NewKey): { readonly value: string; readonly writes: readonly Write[] } {
  const realm = call.realm.view.name;
  const value = randomId();
  const hash = sha256(value);
  const key = keyOf(realm, hash);
  const record: StoredKey = {
    v: 1,
    ...fields,
    createdAt: epochSeconds(call.clock),
    sealed: call.seal.seal(value, placeOf(key)),
  };
  const index = fields.app === undefined ? undefined : keysOfApp(realm, fields.app);
  return {
    value,
    writes: [
      { put: key, value: JSON.stringify(record), onlyIf: 'absent' },
      keepForRealm(key),
      ...(index === undefined ? [] : enter(index, memberOf(record, hash))),
    ],
  };
}

function enter(index: Key, member: string): readonly Write[] {
  return [{ index, member }, keepMemberForRealm(index, member)];
}

function leave(index: Key, member: string): readonly Write[] {
  return [{ unindex: index, member }, releaseMemberFromRealm(index, member)];
}

/** The present keys of a data app: those of the file, then the others by age. */
export async function listApiKeys(call: Call, app: string): Promise<readonly ListedKey[]> {
  const { store, section, seal, realm } = call;
  const ofFile = keysInFile(section).filter((key) => key.app === app);
  const { members } = await store.list(keysOfApp(realm.view.name, app), { limit: MAX_KEYS });
  const hashes = [
    ...ofFile.map(({ value }) => sha256(value)),
    ...members.map((member) => member.slice(member.indexOf('.') + 1)),
  ];
  const keys = hashes.map((hash) => keyOf(realm.view.name, hash));
  const documents = keys.length === 0 ? [] : await store.read(keys);
  const fresh = ofFile
    .filter((_, index) => documents[index] === undefined)
    .map(({ value }) => ({ key: value, name: '', description: '', createdAt: undefined }));
  const made = documents.slice(ofFile.length).flatMap((document, index) => {
    const key = keys[ofFile.length + index];
    if (document === undefined || key === undefined) return [];
    const {
      sealed,
      endsAt,
      name = '',
      description = '',
      createdAt,
    } = storedKey.parse(JSON.parse(document.value));
    if (sealed === undefined || endsAt !== undefined) return [];
    return [{ key: seal.open(sealed, placeOf(key)), name, description, createdAt }];
  });
  return [...fresh, ...made];
}
