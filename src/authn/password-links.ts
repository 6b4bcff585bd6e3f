/**
 * Links by which a person chooses a password without knowing one: each is good once, for a time, and dies with every
 * cut of its user, so also when the password is changed otherwise. The store holds the hash of its value alone.
 */
import { type Clock, epochSeconds } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { sha256 } from '../base/hash.ts';
import { randomValue } from '../base/random.ts';
import { userNode } from '../revocation/nodes.ts';
import type { Key, Store } from '../storage/port/port.ts';

export type PasswordLinks = ReturnType<typeof createPasswordLinks>;

const keyOf = (realm: string, value: string): Key => ({ realm, kind: 'password-link', id: sha256(value) });

/** The length of every value that was ever given out. */
const isValue = /^[A-Za-z0-9_-]{43}$/;

export function createPasswordLinks({ store, clock }: { readonly store: Store; readonly clock: Clock }) {
  /**
   * `ttl` in seconds; `expiresAt` is seconds since the epoch. Rejects with `Failure('conflict')` where the user or the
   * realm is disabled.
   */
  async function create(
    realm: string,
    userId: string,
    ttl: number,
  ): Promise<{ readonly value: string; readonly expiresAt: number }> {
    const value = randomValue();
    const put = { put: keyOf(realm, value), value: userId, ttl, under: [userNode(userId)] };
    const outcome = await store.commit([put]);
    if (!outcome.ok) throw new Failure('conflict', 'the user or the realm is disabled');
    return { value, expiresAt: epochSeconds(clock) + ttl };
  }

  /** The id of the user, while the link is good. */
  async function userOf(realm: string, value: string): Promise<string | undefined> {
    if (!isValue.test(value)) return undefined;
    const [document] = await store.read([keyOf(realm, value)]);
    return document === undefined || document.cut || document.spentAt !== undefined
      ? undefined
      : document.value;
  }

  /** `false` when somebody else was faster, or the link is over. */
  async function spend(realm: string, value: string): Promise<boolean> {
    return isValue.test(value) && (await store.commit([{ spend: keyOf(realm, value) }])).ok;
  }

  return { create, userOf, spend };
}
