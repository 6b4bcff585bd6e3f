/**
 * What a resource server learns of a guest token: whether it is active for this very request, and which limits to
 * apply. A successful introspection is one use of the token. Only the token's own API learns why a token is not
 * active.
 */

import { type Clock, epochSeconds } from '../../base/clock.ts';
import { addressOf, originOf } from '../../observability/request-source.ts';
import type { Policy } from '../../registry/model/model.ts';
import { GUEST_CUT_TTL } from '../../revocation/guest-nodes.ts';
import type { Document, Key, Store, Write } from '../../storage/port/port.ts';
import { type BindingFault, checkBinding, hostsOf } from '../grant/bindings.ts';
import { usesRawSql } from '../grant/predicate.ts';
import { isRefused } from '../grant/refusal.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import { isUseOf, ownPolicies } from '../limits/policies.ts';
import { isCutBeside } from '../lookup/lookup.ts';
import { withCurrentActions } from '../record/current-actions.ts';
import { type Budget, type GuestRecord, idleKey, isEarly, usesKey } from '../record/guest-record.ts';
import { type Effective, effectiveNow } from '../record/policy-effect.ts';
import type { TrailNotes } from '../trail/trail-notes.ts';
import { describeGuest } from './answer.ts';
import type { GuestAnswer, GuestCaller, GuestQuestion, GuestReason } from './question.ts';

export type GuestIntrospectionDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly storeAheadMs: () => number;
  /** Addresses of a host; none when it cannot be found in time. */
  readonly resolveHost: (host: string) => Promise<readonly string[]>;
  readonly notes: TrailNotes;
};

type Found = { readonly record: GuestRecord; readonly document: Document; readonly hash: string };
type Located = Found & { readonly realm: GuestRealm };

/** The members of RFC 7662 §2.2 and the guest's own for an entitled caller; otherwise exactly `active: false`. */
export async function introspectGuest(
  deps: GuestIntrospectionDeps,
  found: Located,
  caller: GuestCaller,
  question: GuestQuestion,
): Promise<GuestAnswer> {
  const { record, realm } = found;
  const isApi = record.audiences.some((audience) => caller.audiences.has(audience));
  if (!isApi && caller.clientId !== record.clientId) return { active: false };
  const own = record.granted.policies.length === 0 ? [] : ownPolicies(realm, caller.audiences);
  const isProven = isApi && caller.isMutualTls === true;
  const outcome = await judge(deps, found, { question, isApi, readsSecrets: isProven ? own : [] });
  if (isApi && !question.dryRun) note(deps, found, { caller, question }, outcome);
  if (typeof outcome === 'string') {
    return isApi ? { active: false, guest_reason: outcome } : { active: false };
  }
  return describeGuest({ ...found, issuer: realm.issuer, realm: realm.name, own }, outcome, {
    ...caller,
    question,
  });
}

type Asking = {
  readonly question: GuestQuestion;
  readonly isApi: boolean;
  /** The policies whose secrets the answer may contain. */
  readonly readsSecrets: readonly Policy[];
};

/** What the token grants now, or why it is not active. When the minting client introspects it, no use is counted. */
async function judge(
  deps: GuestIntrospectionDeps,
  found: Located,
  { question, isApi, readsSecrets }: Asking,
): Promise<Effective | GuestReason> {
  const dead = await deathOf(deps, found);
  if (dead !== undefined) return dead;
  const effective = effectOf(found, readsSecrets);
  if (typeof effective === 'string') return effective;
  const misplaced = isApi ? await misplacementOf(deps, effective, question) : undefined;
  return misplaced ?? (await use(deps, found, question.dryRun || !isApi)) ?? effective;
}

/**
 * Whether a token can be exchanged for a narrower one. The exchange itself is no use; each use of the child counts in
 * the parent's budgets. Bindings of the parent bind the child.
 */
export async function judgeForExchange(
  deps: GuestIntrospectionDeps,
  found: Located,
): Promise<GuestReason | { readonly usesLeft: number | null }> {
  const reason = (await deathOf(deps, found)) ?? ((await isIdle(deps, found)) ? 'idle' : undefined);
  if (reason !== undefined) return reason;
  const left = await usesLeft(deps, found);
  return left !== null && left <= 0 ? 'max_uses' : { usesLeft: left };
}

async function deathOf(
  { store, clock, storeAheadMs }: GuestIntrospectionDeps,
  found: Located,
): Promise<GuestReason | undefined> {
  const { record, document, realm } = found;
  if (document.cut || (await isCutBeside(store, realm.name, found))) return 'revoked';
  if (record.exp !== null && record.exp <= epochSeconds(clock)) return 'expired';
  return isEarly(record, { clock, storeAheadMs }) ? 'not_yet_valid' : undefined;
}

/** A policy in a signed value counts as it was signed; everything else follows the realm as it is now. */
function effectOf({ record, realm }: Located, open: readonly Policy[]): Effective | GuestReason {
  const { granted, sealedPolicies } = record;
  const isSigned = granted.format === 'jwt' || granted.format === 'jwe';
  const hasPolicies = granted.policies.length > 0;
  const hasSecrets = sealedPolicies !== undefined && granted.policies.some((use) => isUseOf(use, open));
  const follows = hasPolicies && (!isSigned || hasSecrets);
  const effective = follows ? effectiveNow(realm, record, (policy) => open.includes(policy)) : record;
  if (isRefused(effective)) return 'policy_changed';
  const current = withCurrentActions(realm, record, effective);
  if (current === undefined) return 'revoked';
  const hasRawSql = current.granted.resources.some(({ rows }) => usesRawSql(rows));
  return hasRawSql && !realm.policy.allowRawSql ? 'policy_changed' : current;
}

async function misplacementOf(
  { resolveHost }: GuestIntrospectionDeps,
  { granted }: Effective,
  question: GuestQuestion,
): Promise<BindingFault | undefined> {
  const { binding } = granted;
  const fault = checkBinding(binding, question);
  if (fault !== 'ip_mismatch' || binding === undefined || question.ip === undefined) return fault;
  const hosts = hostsOf(binding);
  const found = await Promise.all(hosts.map(async (host) => [host, await resolveHost(host)] as const));
  return checkBinding(binding, { ...question, addresses: new Map(found) });
}

/** Seconds that a counter is kept after the last token that counts in it. */
const COUNT_LINGER = 600;

/**
 * Counts a use in every budget and renews the idle time, or does neither: a refused use uses up nothing, and does not
 * keep a token alive.
 */
async function use(
  deps: GuestIntrospectionDeps,
  found: Located,
  isDryRun: boolean,
): Promise<GuestReason | undefined> {
  if (isDryRun) return wouldRefuse(deps, found);
  const { record, hash, realm } = found;
  const { idle } = record.granted.lifetime;
  const renewal: Write[] =
    idle === undefined ? [] : [{ put: idleKey(realm.name, hash), value: '1', ttl: idle, onlyIf: 'present' }];
  const counts = record.budgets.map(
    (budget): Write => ({ ...counterOf(deps, found, budget), most: budget.most }),
  );
  if (renewal.length + counts.length === 0) return undefined;
  const outcome = await deps.store.commit([...renewal, ...counts]);
  if (outcome.ok) return undefined;
  return outcome.reason === 'exhausted' ? 'max_uses' : 'idle';
}

async function wouldRefuse(deps: GuestIntrospectionDeps, found: Located): Promise<GuestReason | undefined> {
  if (await isIdle(deps, found)) return 'idle';
  const left = await usesLeft(deps, found);
  return left !== null && left <= 0 ? 'max_uses' : undefined;
}

async function isIdle({ store }: GuestIntrospectionDeps, { record, hash, realm }: Located): Promise<boolean> {
  if (record.granted.lifetime.idle === undefined) return false;
  const [document] = await store.read([idleKey(realm.name, hash)]);
  return document === undefined;
}

/** The fewest uses that a budget of the token has left; `null` without a budget. */
export async function usesLeft(
  deps: Pick<GuestIntrospectionDeps, 'store' | 'clock'>,
  found: Pick<Located, 'record'> & { readonly realm: Pick<GuestRealm, 'name'> },
): Promise<number | null> {
  const counts = await countsOf(deps, found);
  const left = found.record.budgets.map(({ most }, index) => Math.max(0, most - (counts[index] ?? 0)));
  return left.length === 0 ? null : Math.min(...left);
}

/** How many uses each budget of the token has counted. */
export function countsOf(
  deps: Pick<GuestIntrospectionDeps, 'store' | 'clock'>,
  found: Pick<Located, 'record'> & { readonly realm: Pick<GuestRealm, 'name'> },
): Promise<readonly number[]> {
  const counts = found.record.budgets.map(async (budget) => {
    const { count: key, windowMs } = counterOf(deps, found, budget);
    return (await deps.store.count(key, { windowMs, by: 0 })).count;
  });
  return Promise.all(counts);
}

function counterOf(
  { clock }: Pick<GuestIntrospectionDeps, 'clock'>,
  { realm }: { readonly realm: Pick<GuestRealm, 'name'> },
  { id, until }: Budget,
): { readonly count: Key; readonly windowMs: number } {
  const seconds = until === null ? GUEST_CUT_TTL : Math.max(0, until - epochSeconds(clock)) + COUNT_LINGER;
  return { count: usesKey(realm.name, id), windowMs: seconds * 1000 };
}

type Asked = { readonly caller: GuestCaller; readonly question: GuestQuestion };

/**
 * The trail holds samples of uses and denials, not each one. What the API reports of the request is marked as the
 * API's word.
 */
function note(
  { notes }: GuestIntrospectionDeps,
  { record, realm }: Located,
  { caller, question }: Asked,
  outcome: Effective | GuestReason,
): void {
  const ip = addressOf(question.ip);
  const origin = originOf(question.origin);
  notes.note(realm.name, record, {
    event: typeof outcome === 'string' ? 'guest.denied' : 'guest.used',
    source: { ...caller.requestSource, by: caller.clientId },
    more: {
      ...(typeof outcome === 'string' ? { reason: outcome } : {}),
      ...(ip === undefined ? {} : { reported_ip: ip }),
      ...(origin === undefined ? {} : { reported_origin: origin }),
    },
  });
}
