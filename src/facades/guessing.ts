/** Wrong keys and secrets are counted per network: who guesses is soon not listened to any more. */
import { isIPv6 } from 'node:net';
import { Failure } from '../base/errors.ts';
import type { Key } from '../storage/store.ts';
import type { FacadeCall } from './facade.ts';

const WINDOW_MS = 60_000;
const MAX_WRONG = 20;

/**
 * The outcome of `check`, whose `undefined` is a wrong credential. Rejects with `Failure('too_many_requests')`, and
 * has told when to come back, for who was wrong too often; right credentials are refused then as well, or it would
 * not slow anybody down.
 */
export async function withoutGuessing<T>(
  { store, ctx, realm }: FacadeCall,
  check: () => Promise<T | undefined> | T | undefined,
): Promise<T | undefined> {
  const key: Key = { realm: realm.view.name, kind: 'guesses', id: networkOf(ctx.get('X-Forwarded-For')) };
  const [wrong, found] = await Promise.all([store.count(key, { windowMs: WINDOW_MS, by: 0 }), check()]);
  if (wrong.count >= MAX_WRONG) {
    ctx.set('Retry-After', String(Math.max(1, Math.ceil(wrong.resetsInMs / 1000))));
    throw new Failure('too_many_requests', 'too many wrong credentials');
  }
  if (found === undefined) await store.count(key, { windowMs: WINDOW_MS, by: 1 });
  return found;
}

/** A line of IPv6 has a /64 to itself at least. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter((group) => group !== '');
  const rest = tail === undefined ? [] : tail.split(':').filter((group) => group !== '');
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0');
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':');
}
