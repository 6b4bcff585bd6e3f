/**
 * One mint for every door: what was asked for under every ceiling above it becomes a record in the store and a value
 * that is told once. Granted = asked ∩ the client's ceiling ∩ the realm's policy ∩ the subject's own rights.
 */
import { type Clock, epochSeconds } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import { sha256 } from '../base/hash.ts';
import { randomValue } from '../base/random.ts';
import { createSealer } from '../keys/seal.ts';
import type { Stamp, Store, Write } from '../storage/store.ts';
import { tokenKey } from '../tokens/nodes.ts';
import { scopesOf } from './actions.ts';
import { attenuate } from './attenuate.ts';
import { narrow } from './ceiling.ts';
import type { Granted, GuestGrant } from './grant.ts';
import { GUEST_CUT_TTL, nodesOfGuest } from './guest-nodes.ts';
import { audiencesOf, type GuestRealm, type Minter } from './guest-realm.ts';
import {
  type Actor,
  concurrencyKey,
  eventsKey,
  type GuestRecord,
  guestPointer,
  guestSubject,
  guestsOfClient,
  guestsOfTenant,
  idleKey,
} from './guest-record.ts';
import { refreshWrites } from './guest-refresh.ts';
import { guestValue } from './guest-values.ts';
import { isSecret, limitRows, type ResolvedPolicy, resolvePolicies, withoutSecrets } from './policies.ts';
import { isRefused, type Refused } from './refusal.ts';

/** The token that a guest is made from. */
export type ParentToken = {
  /** Where the guest hangs too: the token itself, its session, user and client. */
  readonly nodes: readonly string[];
  /** A user's own permissions at the token's API; a client's token or an assertion limits nothing. */
  readonly permissions?: ReadonlySet<string>;
  /** Set when it is a guest token itself: the new one can only be narrower. */
  readonly guest?: { readonly record: GuestRecord; readonly usesLeft: number | null };
};

export type MintOrder = {
  readonly realm: GuestRealm;
  readonly minter: Minter;
  readonly asked: GuestGrant;
  /** Audiences or API ids that were asked for; empty: the minter's first. */
  readonly audiences?: readonly string[];
  /** Coarse verbs that were asked for (`guest:view`…); absent: what the actions need. */
  readonly scope?: string | undefined;
  readonly parent?: ParentToken;
  readonly act?: Actor | undefined;
  /** Thumbprint of the key whose proof came with the request (RFC 9449). */
  readonly jkt?: string | undefined;
  /** Keep the value, sealed, to show it again. */
  readonly showAgain?: boolean;
  /** The stamp at which what this relies on was read: a cut since then refuses the mint. */
  readonly since?: Stamp | undefined;
};

export type Minted = {
  readonly record: GuestRecord;
  /** Absent for a dry run. */
  readonly value?: string;
  readonly refresh?: { readonly value: string; readonly expiresIn: number };
};

export type MintDeps = { readonly store: Store; readonly clock: Clock };

/** Seconds a dead token is remembered, so that its API can be told why. */
const LINGER = 600;

/** Rejects with `Failure('forbidden')` when the parent died meanwhile, `too_many_requests` above `max_concurrent`. */
export async function mint(deps: MintDeps, order: MintOrder): Promise<Minted | Refused> {
  const record = decide(deps, order);
  if (isRefused(record)) return record;
  if (order.asked.dry_run) return { record };
  return store(deps, order, record);
}

/** The record that would be minted now. */
export function decide(deps: MintDeps, order: MintOrder): GuestRecord | Refused {
  const audiences = audiencesFor(order);
  if (isRefused(audiences)) return audiences;
  const limited = limit(order);
  if (isRefused(limited)) return limited;
  const granted = bindToKey(order, limited.granted);
  if (isRefused(granted)) return granted;
  return recordOf(deps, order, { ...limited, granted, audiences });
}

function audiencesFor(order: MintOrder): readonly string[] | Refused {
  const allowed = audiencesOf(order.realm, order.minter);
  const asked = (order.audiences ?? []).map(
    (name) => order.realm.apis.find((api) => api.id === name)?.audience ?? name,
  );
  if (asked.some((audience) => !allowed.includes(audience))) {
    return {
      refused: [{ code: 'invalid_target', pointer: '/audience', message: 'is not an API of this client' }],
    };
  }
  return asked.length > 0 ? [...new Set(asked)] : allowed.slice(0, 1);
}

type Limited = {
  readonly granted: Granted;
  readonly narrowed: readonly string[];
  readonly policies: readonly ResolvedPolicy[];
};

function limit(order: MintOrder): Limited | Refused {
  const { realm, minter, parent } = order;
  const underParent = limitToParent(order);
  if (isRefused(underParent)) return underParent;
  const outcome = narrow(underParent.asked, {
    ceiling: minter.ceiling,
    policy: { ...realm.policy, minTtl: minter.minTtl },
    audiences: new Set(audiencesOf(realm, minter)),
    ...(parent?.permissions === undefined ? {} : { permissions: parent.permissions }),
  });
  if (isRefused(outcome)) return outcome;
  const scoped = limitToScope(order, outcome.granted);
  if (isRefused(scoped)) return scoped;
  const resolved = resolvePolicies(scoped.policies, realm.policies);
  if (isRefused(resolved)) return resolved;
  const withRows = limitRows(scoped, resolved.policies);
  if (isRefused(withRows)) return withRows;
  return { granted: withRows.granted, narrowed: outcome.narrowed, policies: resolved.policies };
}

function limitToParent({ asked, parent }: MintOrder): { readonly asked: GuestGrant } | Refused {
  const guest = parent?.guest;
  if (guest === undefined) return neverEnding(asked, parent);
  const { record, usesLeft } = guest;
  const ttlLeft = record.exp === null ? null : Math.max(1, record.exp - record.iat);
  const outcome = attenuate({ granted: record.granted, ttlLeft, usesLeft }, asked);
  return isRefused(outcome)
    ? outcome
    : { asked: { ...outcome.granted, resources: [...outcome.granted.resources] } };
}

/** Sessions and grants are forgotten some day: what never ends cannot hang below one. */
function neverEnding(
  asked: GuestGrant,
  parent: ParentToken | undefined,
): { readonly asked: GuestGrant } | Refused {
  if (asked.lifetime?.ttl !== null || parent?.permissions === undefined) return { asked };
  const message = "must not be null for a token made from a user's";
  return { refused: [{ code: 'access_denied', pointer: '/lifetime/ttl', message }] };
}

function limitToScope({ scope }: MintOrder, granted: Granted): Granted | Refused {
  if (scope === undefined) return granted;
  const verbs = new Set(scope.split(' '));
  const resources = granted.resources.map((resource) => ({
    ...resource,
    actions: resource.actions.filter((action) => scopesOf([action]).every((verb) => verbs.has(verb))),
  }));
  if (resources.every(({ actions }) => actions.length > 0)) return { ...granted, resources };
  return {
    refused: [{ code: 'access_denied', pointer: '/scope', message: 'covers no action of a resource' }],
  };
}

/** A proof binds the token to its key; so does `binding.key`; both must mean the same key. */
function bindToKey({ jkt }: MintOrder, granted: Granted): Granted | Refused {
  const bound = granted.binding?.key?.jkt;
  if (jkt === undefined || bound === jkt) return granted;
  if (bound === undefined) return { ...granted, binding: { ...granted.binding, key: { jkt } } };
  return {
    refused: [{ code: 'invalid_request', pointer: '/binding/key', message: 'is not the key of the proof' }],
  };
}

function recordOf(
  { clock }: MintDeps,
  order: MintOrder,
  { granted, narrowed, policies, audiences }: Limited & { readonly audiences: readonly string[] },
): GuestRecord {
  const iat = epochSeconds(clock);
  const { ttl, not_before = 0 } = granted.lifetime;
  const { tenant, id: subjectId } = granted.subject;
  const jkt = granted.binding?.key?.jkt;
  const parentId = order.parent?.guest?.record.id;
  return {
    k: 'GuestToken',
    v: 1,
    id: `gt_${randomValue().slice(0, 26)}`,
    clientId: order.minter.clientId,
    sub: guestSubject(tenant, subjectId),
    audiences,
    scope: scopesOf(granted.resources.flatMap(({ actions }) => actions)).join(' '),
    iat,
    exp: ttl === null ? null : iat + ttl,
    notBefore: iat + not_before,
    granted: { ...granted, policies: withoutSecrets(granted.policies) },
    policies,
    narrowed,
    policyHash: sha256(JSON.stringify([granted.resources, policies])),
    inherited: order.parent?.nodes ?? [],
    ...sealedPolicies(order.realm, granted),
    ...(order.act === undefined ? {} : { act: order.act }),
    ...(jkt === undefined ? {} : { jkt }),
    ...(parentId === undefined ? {} : { parentId }),
  };
}

function sealedPolicies(realm: GuestRealm, { policies }: Granted): { readonly sealedPolicies?: string } {
  const hasSecrets = policies.some(({ params }) => Object.keys(params).some(isSecret));
  if (!hasSecrets) return {};
  return { sealedPolicies: createSealer(realm.secret).seal(JSON.stringify(policies), 'guest-policies') };
}

async function store(deps: MintDeps, order: MintOrder, decided: GuestRecord): Promise<Minted> {
  const { realm, minter } = order;
  await checkConcurrency(deps, order, decided);
  const value = await guestValue(realm, decided);
  const sealedValue =
    order.showAgain === true ? createSealer(realm.secret).seal(value, decided.id) : undefined;
  const record = sealedValue === undefined ? decided : { ...decided, sealedValue };
  const refresh = refreshWrites(deps, realm, record);
  const outcome = await deps.store.commit([
    ...recordWrites(realm.name, record, sha256(value), order.since),
    ...(refresh?.writes ?? []),
    ...eventWrites(realm.name, record.id, { event: 'guest.minted', at: record.iat, client: minter.clientId }),
  ]);
  if (!outcome.ok) throw new Failure('forbidden', 'the subject token is not active any more');
  return { record, value, ...(refresh === undefined ? {} : { refresh }) };
}

async function checkConcurrency(
  { store: state }: MintDeps,
  { realm, minter }: MintOrder,
  record: GuestRecord,
) {
  const session = record.granted.session;
  if (session?.max_concurrent === undefined) return;
  const index = concurrencyKey(realm.name, minter.clientId, session.key);
  const { members } = await state.list(index, { limit: session.max_concurrent });
  if (members.length >= session.max_concurrent) {
    throw new Failure('too_many_requests', 'the session has as many tokens as it may have');
  }
}

/** How long the store keeps a record: a token that never expires is kept as long as cuts are. */
export function keepFor(record: Pick<GuestRecord, 'exp' | 'iat'>): number {
  return record.exp === null ? GUEST_CUT_TTL : record.exp - record.iat + LINGER;
}

/** All that is written for a token, under the hash of its value. */
export function recordWrites(realm: string, record: GuestRecord, hash: string, since?: Stamp): Write[] {
  const { id, clientId, granted, inherited } = record;
  const ttl = keepFor(record);
  const under = [...nodesOfGuest(id, clientId, granted), `c:${clientId}`, ...inherited];
  const { idle } = granted.lifetime;
  const session = granted.session;
  return [
    {
      put: tokenKey(realm, hash),
      value: JSON.stringify(record),
      ttl,
      under: [...new Set(under)],
      ...(since === undefined ? {} : { since }),
    },
    { put: guestPointer(realm, id), value: hash, ttl },
    { index: guestsOfClient(realm, clientId), member: id, ttl },
    { index: guestsOfTenant(realm, granted.subject.tenant), member: id, ttl },
    ...(idle === undefined ? [] : [{ put: idleKey(realm, hash), value: '1', ttl: idle }]),
    ...(session === undefined
      ? []
      : [{ index: concurrencyKey(realm, clientId, session.key), member: id, ttl }]),
  ];
}

export type GuestEvent = { readonly event: string; readonly at: number; readonly [member: string]: unknown };

/** Seconds that the trail of a token is kept. */
const EVENTS_TTL = 7_776_000;

export function eventWrites(realm: string, id: string, event: GuestEvent): Write[] {
  // Members of an index are a set: two equal events in one second are told apart by a nonce.
  const member = JSON.stringify({ ...event, nonce: randomValue().slice(0, 8) });
  return [{ index: eventsKey(realm, id), member, ttl: EVENTS_TTL }];
}
