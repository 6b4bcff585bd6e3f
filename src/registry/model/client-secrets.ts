/** How a client may authenticate, and its secrets: the present one, and for a while the previous one. */
import { timingSafeEqual } from 'node:crypto';
import { digest } from '../../base/hash.ts';
import type { Client } from './model.ts';

type Secrets = Pick<Client, 'secret' | 'previousSecret' | 'previousSecretUntil'>;

/**
 * Compares in a time that does not depend on which of them is right or exists. `now`: milliseconds since the epoch.
 */
export function isSecretOf(client: Secrets, given: string, now: number): boolean {
  const { current, previous } = digestsOf(client);
  const shown = digest(given);
  const isCurrent = timingSafeEqual(shown, current);
  const isPrevious = timingSafeEqual(shown, previous);
  return (client.secret !== undefined && isCurrent) || (isPrevious && isKept(client, now));
}

/** The same for the previous secret alone. */
export function isPreviousSecretOf(client: Secrets, given: string, now: number): boolean {
  const isRight = timingSafeEqual(digest(given), digestsOf(client).previous);
  return isRight && isKept(client, now);
}

function isKept({ previousSecret, previousSecretUntil }: Secrets, now: number): boolean {
  const isInTime = previousSecretUntil === undefined || now < Date.parse(previousSecretUntil);
  return previousSecret !== undefined && isInTime;
}

type Digests = { readonly current: Buffer; readonly previous: Buffer };

/** Digests of the secrets of clients in memory, so that each request computes one digest only. */
const known = new WeakMap<Secrets, Digests>();

function digestsOf(client: Secrets): Digests {
  const found = known.get(client) ?? {
    current: digest(client.secret ?? ''),
    previous: digest(client.previousSecret ?? ''),
  };
  known.set(client, found);
  return found;
}

/** RFC 7591 §3.2.1: seconds since the epoch; absent or 0 for a secret that does not expire. */
export function secretExpiryOf({ registered }: Client): number | undefined {
  const expiry = registered?.['client_secret_expires_at'];
  return typeof expiry === 'number' && expiry > 0 ? expiry : undefined;
}
