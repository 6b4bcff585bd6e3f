/**
 * Whether a server is set up as it should be: each check with what was found and what to do about it. Reads, and
 * changes nothing. Whoever asks says what to look at; the answer holds no secret.
 */
import { Failure } from '../base/errors.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { adminApi } from '../registry/model/built-in-api.ts';
import type { RealmFile, RealmSettings, User } from '../registry/model/model.ts';
import { indexRoles } from '../registry/model/permissions.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../storage/port/port.ts';

/** The state of one thing. */
export type Check = {
  /** A closed name, such as `store`. */
  readonly check: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do; absent where all is well. */
  readonly cure?: string;
};

export type Examined = {
  readonly store: Store;
  readonly registry: Registry;
  readonly keyRing: KeyRing;
  readonly publicUrl: string;
  readonly production: boolean;
  readonly adminRealm: string;
  /** Realm files; absent where nobody has any at hand. */
  readonly files?: readonly RealmFile[];
  /** Milliseconds that the store's clock is ahead. */
  storeAheadMs(): number;
  /** Rejects with `Failure('invalid_input')` for the key of another store. */
  checkMasterKey(): Promise<void>;
  /** The issuer that the discovery document at this address names; `undefined` when nobody answers. */
  issuerAt?(url: string): Promise<string | undefined>;
};

/** Where the store cannot be used or the key is wrong, nothing else can be examined. */
export async function examine(examined: Examined): Promise<readonly Check[]> {
  const store = await storeCheck(examined);
  if (store.state === 'fail') return [store];
  const key = await keyCheck(examined);
  if (key.state === 'fail') return [store, key];
  const realms = await everyRealm(examined.registry);
  return [
    store,
    ...(await warningsOf(examined)),
    key,
    await clockCheck(examined, realms),
    ...(await signingKeyChecks(examined, realms)),
    ...(await fileChecks(examined)),
    await administratorCheck(examined),
    await addressCheck(examined, realms),
  ];
}

export async function storeCheck({ store }: Pick<Examined, 'store'>): Promise<Check> {
  try {
    await store.ping();
    return { check: 'store', state: 'ok', found: 'answers' };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return failed('store', error.message, 'start it, or mend DAYPASS_STORE');
  }
}

async function warningsOf({ store }: Examined): Promise<readonly Check[]> {
  const warnings = await store.warnings();
  const cure = 'set it as docs/operations.md says, and restart the store';
  return warnings.map((found) => ({ check: 'store settings', state: 'warn', found, cure }));
}

async function keyCheck({ checkMasterKey }: Examined): Promise<Check> {
  try {
    await checkMasterKey();
    return { check: 'master key', state: 'ok', found: 'opens what the store holds' };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return failed('master key', error.message, 'set DAYPASS_KEY to the key of this store');
  }
}

/** Nodes with a time service agree within a few milliseconds. */
const MAX_APART_MS = 200;

async function clockCheck(
  { store, storeAheadMs }: Examined,
  [realm]: readonly RealmSettings[],
): Promise<Check> {
  // A read of something that is there tells the store's time.
  if (realm !== undefined) await store.read([{ realm: realm.name, kind: 'realm', id: 'settings' }]);
  const ahead = Math.round(storeAheadMs());
  const found = `the store's clock is ${Math.abs(ahead)} ms ${ahead < 0 ? 'behind' : 'ahead'}`;
  if (Math.abs(ahead) <= MAX_APART_MS) return { check: 'clock', state: 'ok', found };
  return { check: 'clock', state: 'warn', found, cure: 'set both machines by the same time service' };
}

export async function signingKeyChecks(
  { keyRing }: Pick<Examined, 'keyRing'>,
  realms: readonly RealmSettings[],
): Promise<readonly Check[]> {
  const checks = await Promise.all(realms.filter(({ enabled }) => enabled).map(checkOf));
  const faults = checks.filter((one) => one !== undefined);
  if (faults.length > 0) return faults;
  return [{ check: 'signing keys', state: 'ok', found: `can be opened in ${realms.length} realms` }];

  async function checkOf({ name }: RealmSettings): Promise<Check | undefined> {
    try {
      const keys = await keyRing.list(name);
      const signing = new Set(keys.filter(({ state }) => state === 'current').map(({ alg }) => alg));
      const idle = keys.find(({ alg }) => !signing.has(alg));
      if (idle === undefined) return undefined;
      return failed(
        'signing keys',
        `realm ${name}: no ${idle.alg} key signs`,
        `daypass keys rotate --realm ${name}`,
      );
    } catch {
      const cure = 'restore the realm from a backup, or remove its keys: they are made anew';
      return failed('signing keys', `realm ${name}: its keys cannot be opened`, cure);
    }
  }
}

async function fileChecks({ registry, files }: Examined): Promise<readonly Check[]> {
  if (files === undefined) return [];
  const different: string[] = [];
  for (const file of files) {
    const { changes } = await registry.planRealm(file, { strays: 'keep' });
    if (changes.length > 0) different.push(`realm ${file.name} (${changes.length})`);
  }
  if (different.length === 0) {
    return [
      { check: 'realm files', state: 'ok', found: `${files.length} files, and the store is as they say` },
    ];
  }
  const found = `the store differs from ${different.join(', ')}`;
  const cure = 'daypass plan shows the difference; the next start applies the files';
  return [{ check: 'realm files', state: 'warn', found, cure }];
}

async function administratorCheck({ registry, adminRealm }: Examined): Promise<Check> {
  const settings = await registry.readRealm(adminRealm);
  const cure = 'daypass admin create --user <name>';
  if (settings === undefined || !(await hasAdministrator(registry, settings))) {
    const found = `nobody in realm ${adminRealm} may administer all realms`;
    return { check: 'administrator', state: 'warn', found, cure };
  }
  return { check: 'administrator', state: 'ok', found: `there is one in realm ${adminRealm}` };
}

const PAGE = 500;

async function hasAdministrator(registry: Registry, { name, roles }: RealmSettings): Promise<boolean> {
  const index = indexRoles(roles);
  const permission = `${adminApi.id}:realms:read`;
  const isOne = ({ enabled, roles: held }: User) => enabled && index.permits(held, permission);
  let after: string | undefined;
  do {
    const page = { limit: PAGE, ...(after !== undefined && { after }) };
    const { items, next } = await registry.listUsers(name, page);
    if (items.some(isOne)) return true;
    after = next;
  } while (after !== undefined);
  return false;
}

async function addressCheck(
  { publicUrl, production, issuerAt }: Examined,
  realms: readonly RealmSettings[],
): Promise<Check> {
  if (production && publicUrl.startsWith('http:')) {
    const cure = 'set DAYPASS_URL to the https address that people use';
    return { check: 'public address', state: 'warn', found: `${publicUrl} is not encrypted`, cure };
  }
  const realm = realms.find(({ enabled }) => enabled);
  if (issuerAt === undefined || realm === undefined) {
    return { check: 'public address', state: 'ok', found: publicUrl };
  }
  const expected = `${publicUrl}/realms/${realm.name}`;
  const issuer = await issuerAt(expected);
  if (issuer === expected) return { check: 'public address', state: 'ok', found: `${publicUrl} leads here` };
  if (issuer === undefined) {
    const cure = 'start the server, or lead DAYPASS_URL to it (name, proxy, certificate)';
    return { check: 'public address', state: 'warn', found: `nobody answers at ${expected}`, cure };
  }
  const cure = 'start the server with this DAYPASS_URL, or lead the address to this server';
  return failed('public address', `${expected} is answered by another issuer`, cure);
}

async function everyRealm(registry: Registry): Promise<readonly RealmSettings[]> {
  const realms: RealmSettings[] = [];
  let after: string | undefined;
  do {
    const page = { limit: PAGE, ...(after !== undefined && { after }) };
    const { items, next } = await registry.listRealms(page);
    realms.push(...items);
    after = next;
  } while (after !== undefined);
  return realms;
}

function failed(check: string, found: string, cure: string): Check {
  return { check, state: 'fail', found, cure };
}
