/**
 * One mint for every entry point: applies every limit above the request, writes the record, and returns the value,
 * which is shown once.
 */
import { Failure } from '../../base/errors.ts';
import { sha256 } from '../../base/hash.ts';
import type { Quotas } from '../../limits/quotas.ts';
import type { LimitState } from '../../limits/too-many.ts';
import { commitWithRetry } from '../../storage/port/optimistic-retry.ts';
import type { Committed, Refusal, Write } from '../../storage/port/port.ts';
import { isRefused, type Refused } from '../grant/refusal.ts';
import { ceilingFault, ceilingGuards } from '../limits/ceiling-guard.ts';
import { counted } from '../limits/mint-quota.ts';
import type { GuestRecord } from '../record/guest-record.ts';
import { guestValue } from '../record/guest-values.ts';
import { sealerOf } from '../record/sealing.ts';
import type { Placing } from '../status/status-places.ts';
import { type Entry, firstEntry, type Happening, type TrailDeps, tell } from '../trail/trail.ts';
import { authorizeMint } from './authorize-mint.ts';
import type { Issued, MintOrder } from './mint-order.ts';
import { refreshWrites } from './refresh-value.ts';
import { takeSessionPlace } from './session-limit.ts';
import { keepFor, recordWrites } from './writes.ts';

/** `value` and `refresh` are absent for a dry run; `limit` is absent where no quota counted the mint. */
export type Minted = Partial<Issued> & {
  readonly record: GuestRecord;
  readonly limit?: LimitState | undefined;
};

type StoreDeps = TrailDeps & { readonly place: Placing };

export type MintDeps = StoreDeps & { readonly quotas: Quotas };

/**
 * Rejects with `Failure('forbidden')` when the parent died meanwhile, `conflict` when a condition of `also` did not
 * hold, `TooMany` above the quota and above `max_concurrent`, `invalid_input` where the format cannot carry the token.
 */
export async function mint(deps: MintDeps, order: MintOrder): Promise<Minted | Refused> {
  const record = authorizeMint(deps, order);
  if (isRefused(record)) return record;
  if (order.asked.dry_run) return { record };
  if (order.isCounted === true) return store(deps, order, record);
  const { made, limit } = await counted(deps.quotas, order, () => store(deps, order, record));
  return { ...made, limit };
}

async function store(deps: StoreDeps, order: MintOrder, decided: GuestRecord): Promise<Minted> {
  const { realm, minter } = order;
  const placed = deps.place(realm, decided, decided.iat + keepFor(decided));
  const value = await guestValue(realm, placed, order.claims);
  const hash = sha256(value);
  const sealedValue = order.showAgain === true ? sealerOf(realm).seal(value, placed.id) : undefined;
  const record = sealedValue === undefined ? placed : { ...placed, sealedValue };
  const refresh = refreshWrites(realm.name, record);
  const issued = { value, ...(refresh === undefined ? {} : { refresh: refresh.issued }) };
  const trail = mintedEntry(deps, realm.name, record, { source: order.source });
  const writes = [
    ...ceilingGuards(realm, minter),
    ...recordWrites(realm.name, record, hash, order.since),
    ...(refresh?.writes ?? []),
    ...trail.writes,
    ...(order.also?.(record, hash, issued) ?? []),
  ];
  const outcome = await commitWithSlot(deps, { realm: realm.name, record, hash, writes });
  if (!outcome.ok) throw ceilingFault(outcome, writes) ?? refusalOf(outcome.reason);
  tell(deps, realm.name, { event: trail.event, source: order.source });
  return { record, ...issued };
}

/** The first entry of a token's trail. */
export function mintedEntry(
  deps: TrailDeps,
  realm: string,
  record: GuestRecord,
  { source, more }: Pick<Happening, 'source' | 'more'>,
): Entry {
  return firstEntry(
    deps,
    { realm, record },
    { event: 'guest.minted', source, more: { ...more, ...endingOf(record) } },
  );
}

/** The end of a token, for its trail, which is kept longer than the record. */
export function endingOf({ exp }: Pick<GuestRecord, 'exp'>): { readonly expires_at?: string } {
  return exp === null ? {} : { expires_at: new Date(exp * 1000).toISOString() };
}

type NewToken = {
  readonly realm: string;
  readonly record: GuestRecord;
  readonly hash: string;
  readonly writes: readonly Write[];
};

/** All writes of a new token, its place among the tokens of its session included. `step` counts in `writes`. */
async function commitWithSlot(
  deps: TrailDeps,
  { realm, record, hash, writes }: NewToken,
): Promise<Committed | Refusal> {
  // Without a limit there is no place to fight for.
  if (record.granted.session?.max_concurrent === undefined) return deps.store.commit(writes);
  const { outcome } = await commitWithRetry(deps.store, writes, async () => [
    await takeSessionPlace(deps, realm, record, hash),
    undefined,
  ]);
  return outcome;
}

/** The token's own documents are always new. Only the writes beside it can collide, be spent, or have changed. */
function refusalOf(reason: Refusal['reason']): Failure {
  return reason === 'exists' || reason === 'changed' || reason === 'spent' || reason === 'missing'
    ? new Failure('conflict', 'somebody else was faster')
    : new Failure('forbidden', 'the subject token is not active any more');
}
