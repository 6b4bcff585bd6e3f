/** How long and how often a guest token can be used. Times are in seconds. */
import { z } from 'zod';
import type { Fault } from './refusal.ts';

/** The life of a token whose request names none. */
export const DEFAULT_TTL = 600;
/** Chains of refreshes end after this at the latest (30 days). */
export const MAX_REFRESH = 2_592_000;
const DEFAULT_REFRESH = 28_800;

const fields = z.strictObject({
  /** `null`: the token never expires. Absent: the default. */
  ttl: z.int().min(1).nullable().optional(),
  /** The end instead of `ttl`, with a zone. Minting makes a `ttl` of it. */
  expires_at: z.iso.datetime({ offset: true, error: 'must be an ISO 8601 time with a zone' }).optional(),
  /** The token dies when it was not used for this time. */
  idle: z.int().min(30).optional(),
  /** Seconds from the minting until the token becomes valid. */
  not_before: z.int().min(0).optional(),
  max_uses: z.int().min(1).max(1_000_000).nullable().optional(),
  /** The same as `max_uses: 1`. */
  one_time: z.boolean().optional(),
  refresh: z
    .strictObject({
      allowed: z.boolean(),
      /**
       * Seconds from the minting to the end of the last refreshed token. Absent: the default, which is at least
       * `ttl`.
       */
      absolute: z.int().min(1).max(MAX_REFRESH).optional(),
    })
    .optional(),
});

export const lifetime = fields.superRefine((life, context) => {
  for (const { path, message } of [...faultsOfLife(life), ...faultsOfRefresh(life)]) {
    context.addIssue({ code: 'custom', path: [...path], message });
  }
});

export type Lifetime = z.infer<typeof fields>;

/** The life that a request asks for in seconds; `null` for a token that never expires. */
export function ttlOf(life: Pick<Lifetime, 'ttl'> | undefined): number | null {
  return life?.ttl === undefined ? DEFAULT_TTL : life.ttl;
}

/** How many uses a token has; `null` without a limit. */
export function usesOf(life: Pick<Lifetime, 'max_uses' | 'one_time'> | undefined): number | null {
  if (life?.one_time === true) return 1;
  return life?.max_uses ?? null;
}

/** How long refreshing may go on, in seconds from the minting; `undefined` for a token that is not refreshed. */
export function refreshReachOf(life: Lifetime | undefined): number | undefined {
  if (life?.refresh?.allowed !== true) return undefined;
  return life.refresh.absolute ?? Math.min(MAX_REFRESH, Math.max(DEFAULT_REFRESH, ttlOf(life) ?? 0));
}

/** How long it is until an absolute end is not known here. */
function knownTtlOf(life: Lifetime): number {
  return (life.expires_at === undefined ? ttlOf(life) : null) ?? Number.POSITIVE_INFINITY;
}

function faultsOfLife(life: Lifetime): Fault[] {
  const faults: Fault[] = [];
  const ttl = knownTtlOf(life);
  if (life.expires_at !== undefined && life.ttl !== undefined) {
    faults.push({ path: ['expires_at'], message: 'is there in place of ttl, not beside it' });
  }
  if ((life.idle ?? 0) > ttl) faults.push({ path: ['idle'], message: 'must not be longer than ttl' });
  if ((life.not_before ?? 0) >= ttl) {
    faults.push({ path: ['not_before'], message: 'must be before the end of ttl' });
  }
  if (life.one_time === true && (life.max_uses ?? 1) > 1) {
    faults.push({ path: ['max_uses'], message: 'must be 1 for a one_time token' });
  }
  return faults;
}

function faultsOfRefresh(life: Lifetime): Fault[] {
  const reach = refreshReachOf(life);
  const path = ['refresh'];
  if (reach === undefined) return [];
  if (life.one_time === true) return [{ path, message: 'is not for a one_time token' }];
  if (life.expires_at !== undefined) return [];
  return reach < (ttlOf(life) ?? Number.POSITIVE_INFINITY)
    ? [{ path, message: 'must reach at least as far as ttl' }]
    : [];
}
