/**
 * PATCH: shortens or narrows a living token, which keeps its value. What the change does not mention stays as it is.
 * In a chain of refreshes the newest token is changed, whichever was named. Everything else that was made in the
 * chain dies in the same write, because it would have, or bring back, what was taken away: earlier tokens, the
 * refresh token, and tokens made by exchange.
 */

import { z } from 'zod';
import { epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { publishRevocation } from '../../revocation/cuts.ts';
import { endGuest, familyNode } from '../../revocation/guest-nodes.ts';
import { countBeside, hang, tokenKey } from '../../revocation/nodes.ts';
import { commitWithRetry } from '../../storage/port/optimistic-retry.ts';
import type { Stamp, Write } from '../../storage/port/port.ts';
import { checkRealmRules, type Granted, type GuestGrant, guestGrant } from '../grant/grant.ts';
import { refreshReachOf, usesOf } from '../grant/lifetime.ts';
import { faultsOf, findUnreadable, isRefused, type Refused, refusalsOf } from '../grant/refusal.ts';
import { attenuate } from '../limits/attenuate.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import { type FoundGuest, findGuestByHash, isCutBeside, payloadOf } from '../lookup/lookup.ts';
import { nodesOfGuest, nodesOfPointer } from '../record/guest-nodes.ts';
import {
  type Budget,
  cutLifeOf,
  familyOf,
  type GuestRecord,
  idleKey,
  newestKey,
} from '../record/guest-record.ts';
import { effectiveNow, ownGrant, policyMembers, underPolicies } from '../record/policy-effect.ts';
import { endStatus, endStatusWrites } from '../status/status-places.ts';
import { appendIfPossible, nextEntry, type Source, type TrailDeps, tell } from '../trail/trail.ts';
import { budgetOf, sayings } from './authorize-mint.ts';
import { endingOf } from './mint.ts';
import { idleWrites, keepFor } from './writes.ts';

const { resources, policies, context, ui, binding } = guestGrant.shape;

export const guestChange = z.strictObject({
  resources: resources.optional(),
  /** Row limits on top of those that the token has. */
  policies: policies.unwrap().optional(),
  context,
  ui,
  binding,
  lifetime: z
    .strictObject({
      /** Seconds from now. */
      ttl: z.int().min(1).optional(),
      idle: z.int().min(30).optional(),
      /** Seconds from the minting. */
      max_uses: z.int().min(1).max(1_000_000).optional(),
    })
    .optional(),
});

export type GuestChange = z.infer<typeof guestChange>;

export function parseChange(input: unknown): { readonly change: GuestChange } | Refused {
  const unreadable = findUnreadable(input);
  if (unreadable !== undefined) return refusalsOf('invalid_request', [unreadable]);
  const parsed = guestChange.safeParse(input);
  return parsed.success ? { change: parsed.data } : refusalsOf('invalid_request', faultsOf(parsed.error));
}

/**
 * Resolves to the changed token. Rejects with `Failure('conflict')` when the token is not active, and it is never
 * refreshed again then; also when it was changed or refreshed meanwhile.
 */
export async function patchGuest(
  deps: TrailDeps,
  realm: GuestRealm,
  named: FoundGuest,
  { change, source }: { readonly change: GuestChange; readonly source: Source },
): Promise<FoundGuest | Refused> {
  const { found, revision } = await newestOf(deps, realm.name, named);
  await checkAlive(deps, realm, found);
  const now = epochSeconds(deps.clock);
  const changed = narrowedRecord(realm, found.record, change, now);
  if (isRefused(changed)) return changed;
  const narrowed = endStatus(found.record, changed, now);
  const writes: Write[] = [
    ...changedWrites(realm.name, narrowed, found, now),
    ...endStatusWrites(realm.name, found.record, narrowed, now),
    // What was made of the token before may live as long as the token would have.
    { cut: familyNode(familyOf(narrowed)), realm: realm.name, ttl: cutLifeOf(found.record, now) },
    {
      put: newestKey(realm.name, familyOf(narrowed)),
      value: found.hash,
      ttl: keepFor({ iat: now, exp: narrowed.exp }),
      onlyIf: revision,
    },
    publishRevocation(realm.name, { nodes: [familyNode(narrowed.id)], tokens: [payloadOf(narrowed)] }),
  ];
  const what = { event: 'guest.narrowed', source, more: { id: narrowed.id, ...endingOf(narrowed) } };
  const concerned = narrowed.id === named.record.id ? [narrowed] : [narrowed, named.record];
  const { outcome, made } = await commitWithRetry(deps.store, writes, async () => {
    const entries = await Promise.all(
      concerned.map((record) => nextEntry(deps, { realm: realm.name, record }, what)),
    );
    return [entries.flatMap((entry) => entry.writes), entries.map((entry) => entry.event)];
  });
  if (!outcome.ok) throw new Failure('conflict', 'the token was revoked or changed meanwhile');
  for (const event of made) tell(deps, realm.name, { event, source });
  // Something else may have ended the token at that moment. Also, the pointer of a token that an older version wrote
  // hangs under the family.
  if (await isCutBeside(deps.store, realm.name, { record: narrowed, hash: found.hash }))
    throw new Failure('conflict', 'the token is not active');
  return { ...found, record: narrowed };
}

type Newest = { readonly found: FoundGuest; readonly revision: Stamp | 'absent' };

/**
 * The newest token of the chain. A refresh meanwhile makes another token the newest; then the commit is refused by
 * `revision`.
 */
async function newestOf(
  deps: Pick<TrailDeps, 'store' | 'clock' | 'storeAheadMs'>,
  realm: string,
  named: FoundGuest,
): Promise<Newest> {
  const [newest] = await deps.store.read([newestKey(realm, familyOf(named.record))]);
  const revision = newest?.stamp ?? 'absent';
  if (newest === undefined || newest.value === named.hash) return { found: named, revision };
  return { found: (await findGuestByHash(deps, realm, newest.value)) ?? named, revision };
}

/** A dead token stays dead: a new write would give it a younger stamp, and an idle token a new life. */
async function checkAlive(
  deps: TrailDeps,
  realm: GuestRealm,
  { record, hash, state }: FoundGuest,
): Promise<void> {
  const { store } = deps;
  const { lifetime } = record.granted;
  const isIdle =
    lifetime.idle !== undefined && (await store.read([idleKey(realm.name, hash)]))[0] === undefined;
  if (!isIdle && (state === 'active' || state === 'not_yet_valid')) return;
  // A refreshed token would come back with all that it had.
  if (state !== 'revoked' && refreshReachOf(lifetime) !== undefined) {
    await store.commit([
      endGuest(realm.name, familyOf(record), cutLifeOf(record, epochSeconds(deps.clock))),
      publishRevocation(realm.name, { tokens: [payloadOf(record)] }),
    ]);
    const what = { event: 'guest.revoked', source: { by: 'narrowing' }, rhythm: 'once' } as const;
    await appendIfPossible(deps, { realm: realm.name, record }, what);
  }
  throw new Failure('conflict', 'the token is not active');
}

function narrowedRecord(
  realm: GuestRealm,
  record: GuestRecord,
  change: GuestChange,
  now: number,
): GuestRecord | Refused {
  const held = effectiveNow(realm, record);
  if (isRefused(held)) return held;
  const asked = askedFor(held.granted, record, change, now);
  const faults = checkRealmRules({ ...asked, lifetime: undefined }, realm.policy);
  if (faults.length > 0) return refusalsOf('invalid_request', faults);
  const parent = {
    granted: { ...held.granted, policies: ownGrant(realm, record).policies },
    audiences: record.audiences,
    ttlLeft: ttlLeftOf(record, now),
    usesLeft: usesOf(held.granted.lifetime),
  };
  const outcome = attenuate(parent, asked);
  if (isRefused(outcome)) return asCeiling(outcome);
  const own = { ...outcome.granted, lifetime: lifetimeOf(outcome.granted, record) };
  const effective = underPolicies(realm, own);
  if (isRefused(effective)) return effective;
  const { ownRows: _rows, sealedPolicies: _sealed, ...rest } = record;
  return {
    ...rest,
    ...sayings(effective),
    ...policyMembers(realm, record.id, { own, policies: effective.policies }),
    budgets: budgetsOf(record, own, now),
    exp: change.lifetime?.ttl === undefined ? record.exp : endOf(record, now + change.lifetime.ttl),
    narrowedAt: now,
    besidePointer: record.besidePointer ?? countBeside(nodesOfPointer(record)),
  };
}

/** The whole grant that the change asks for. */
function askedFor(held: Granted, record: GuestRecord, change: GuestChange, now: number): GuestGrant {
  const rowsOf = new Map(held.resources.map(({ type, id, rows }) => [JSON.stringify([type, id]), rows]));
  const asked = (change.resources ?? held.resources).map((one) => ({
    ...one,
    rows: one.rows ?? rowsOf.get(JSON.stringify([one.type, one.id])) ?? 'none',
  }));
  const { idle, max_uses, one_time } = held.lifetime;
  const life = { idle, max_uses, one_time, ...change.lifetime };
  return {
    ...held,
    context: change.context,
    ui: change.ui,
    binding: change.binding,
    resources: asked,
    policies: change.policies ?? [],
    lifetime: { ...withoutUndefined(life), ttl: change.lifetime?.ttl ?? ttlLeftOf(record, now) },
  };
}

function ttlLeftOf({ exp }: GuestRecord, now: number): number | null {
  return exp === null ? null : Math.max(1, exp - now);
}

function endOf({ exp }: GuestRecord, end: number): number {
  return exp === null ? end : Math.min(exp, end);
}

/** The start of the life stays as it was. */
function lifetimeOf(granted: Granted, { granted: held }: GuestRecord): Granted['lifetime'] {
  const { not_before } = held.lifetime;
  return { ...granted.lifetime, ...(not_before === undefined ? {} : { not_before }) };
}

function budgetsOf(record: GuestRecord, own: Granted, now: number): readonly Budget[] {
  const id = familyOf(record);
  const held = record.budgets.find((budget) => budget.id === id);
  const others = record.budgets.filter((budget) => budget.id !== id);
  const [wanted] = budgetOf(id, own, now);
  if (wanted === undefined) return others;
  return [...others, held === undefined ? wanted : { ...held, most: wanted.most }];
}

function changedWrites(realm: string, record: GuestRecord, found: FoundGuest, now: number): Write[] {
  const nodes = nodesOfGuest(record);
  const { beside: _, ...rest } = record;
  const beside = countBeside(nodes);
  const ttl = record.exp === null ? keepFor(record) : keepFor({ iat: now, exp: record.exp });
  const [own, ...others] = hang(
    {
      put: tokenKey(realm, found.hash),
      value: JSON.stringify(beside === 0 ? rest : { ...rest, beside }),
      ttl,
      since: found.readAt,
    },
    nodes,
  );
  if (own === undefined) return [];
  return [
    { ...own, onlyIf: found.stamp },
    ...others,
    ...idleWrites(realm, { ...record, iat: now }, found.hash),
  ];
}

/** The limit above a token's own grant: its ceiling. */
function asCeiling({ refused }: Refused): Refused {
  return {
    refused: refused.map((one) =>
      one.code === 'invalid_authorization_details' ? { ...one, code: 'access_denied' } : one,
    ),
  };
}

function withoutUndefined<Fields extends object>(fields: Fields): Partial<Fields> {
  const kept: Partial<Fields> = { ...fields };
  for (const name in kept) if (kept[name] === undefined) delete kept[name];
  return kept;
}
