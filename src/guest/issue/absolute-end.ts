/** A life that is asked for by its end, as the seconds from now that everything else reckons with. */
import type { GuestGrant } from '../grant/grant.ts';
import type { GuestPolicy } from '../grant/guest-policy.ts';
import { lifetime } from '../grant/lifetime.ts';
import { faultsOf, type Refused, refusalsOf } from '../grant/refusal.ts';

/** `now`: seconds since the epoch. The end is rounded down, so that no token lives longer than was asked for. */
export function withTtl(
  asked: GuestGrant,
  now: number,
  { minTtl, maxTtl }: Pick<GuestPolicy, 'minTtl' | 'maxTtl'>,
): { readonly asked: GuestGrant } | Refused {
  if (asked.lifetime?.expires_at === undefined) return { asked };
  const { expires_at, ...rest } = asked.lifetime;
  const ttl = Math.floor(Date.parse(expires_at) / 1000) - now;
  if (ttl < minTtl || ttl > maxTtl) {
    const message = `must be from ${minTtl} to ${maxTtl} seconds away`;
    return refusalsOf('invalid_request', [{ path: ['lifetime', 'expires_at'], message }]);
  }
  // The rules about other times hold for the life that this is.
  const parsed = lifetime.safeParse({ ...rest, ttl });
  if (parsed.success) return { asked: { ...asked, lifetime: parsed.data } };
  const faults = faultsOf(parsed.error).map(({ path, message }) => ({
    path: ['lifetime', ...path],
    message,
  }));
  return refusalsOf('invalid_request', faults);
}
