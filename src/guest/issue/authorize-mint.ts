/**
 * Applies every limit above a request and makes the record of the token that would be minted. Granted = asked ∩ the
 * client's ceiling ∩ the realm's policy ∩ the subject's own permissions.
 */

import { epochSeconds } from '../../base/clock.ts';
import { randomValue } from '../../base/random.ts';
import { countBeside } from '../../revocation/nodes.ts';
import { scopesOf } from '../grant/actions.ts';
import { allowsNothing, type Granted, type GuestGrant } from '../grant/grant.ts';
import { refreshReachOf, usesOf } from '../grant/lifetime.ts';
import { isRefused, type RefusalCode, type Refused } from '../grant/refusal.ts';
import { attenuate } from '../limits/attenuate.ts';
import { applyCeiling } from '../limits/ceiling.ts';
import { audiencesOf } from '../limits/guest-realm.ts';
import { type ResolvedPolicy, withoutSecrets } from '../limits/policies.ts';
import { nodesOfGuest, nodesOfPointer } from '../record/guest-nodes.ts';
import { type Ancestor, type Clocks, type GuestRecord, guestSubject } from '../record/guest-record.ts';
import { isSelfContained, limitsByIntrospection } from '../record/guest-values.ts';
import {
  effectiveNow,
  ownGrant,
  policyHashOf,
  policyMembers,
  underPolicies,
} from '../record/policy-effect.ts';
import { DEFAULT_DAYS } from '../trail/trail-records.ts';
import { withTtl } from './absolute-end.ts';
import { audiencesFor } from './audiences.ts';
import type { MintOrder, ParentToken, SubjectUser } from './mint-order.ts';

/** The most nodes that a token has from those that it is made from: each generation adds some. */
const MAX_INHERITED = 1024;

export function authorizeMint({ clock, storeAheadMs }: Clocks, given: MintOrder): GuestRecord | Refused {
  const now = epochSeconds(clock);
  const storeNow = now + Math.round(storeAheadMs() / 1000);
  const timed = withTtl(given.asked, now, given.realm.policy);
  if (isRefused(timed)) return timed;
  const forApis = audiencesFor({ ...given, ...timed });
  if (isRefused(forApis)) return forApis;
  const { audiences, asked } = forApis;
  const order = { ...given, asked };
  const limited = limit(order, audiences, now);
  if (isRefused(limited)) return limited;
  const own = bindToKey(order, limited.granted);
  if (isRefused(own)) return own;
  const effective = underPolicies(order.realm, own);
  if (isRefused(effective)) return effective;
  const record = recordOf(order, { ...effective, own, audiences, narrowed: limited.narrowed, now, storeNow });
  return record.inherited.length > MAX_INHERITED
    ? refusal('access_denied', '', 'is made from a chain of tokens that is too long')
    : record;
}

type Limited = { readonly granted: Granted; readonly narrowed: readonly string[] };

function limit(order: MintOrder, audiences: readonly string[], now: number): Limited | Refused {
  const { realm, minter, parent } = order;
  const underParent = limitToParent(order, now);
  if (isRefused(underParent)) return underParent;
  const outcome = applyCeiling(underParent.asked, {
    ceiling: minter.ceiling,
    policy: { ...realm.policy, minTtl: minter.minTtl },
    policies: realm.policies,
    // A user's permissions are checked at the token's APIs, so no resource may be at another API.
    audiences: new Set(parent?.user === undefined ? audiencesOf(realm, minter) : audiences),
    ...permissionsAt(order, audiences, parent),
  });
  if (isRefused(outcome)) return outcome;
  const scoped = limitToScope(order, outcome.granted);
  return isRefused(scoped) ? scoped : { granted: scoped, narrowed: outcome.narrowed };
}

/** What a user may do at all of the token's APIs. A permission at one of them is no permission at the others. */
function permissionsAt(
  { realm }: MintOrder,
  audiences: readonly string[],
  parent: ParentToken | undefined,
): { readonly permissions?: ReadonlySet<string> } {
  const held = parent?.user?.permissions;
  if (held === undefined) return {};
  const apis = audiences.map((audience) => realm.apis.find((api) => api.audience === audience));
  const names = [...held].map((permission) => permission.slice(permission.indexOf(':') + 1));
  const permissions = names.filter((name) =>
    apis.every((api) => api !== undefined && held.has(`${api.id}:${name}`)),
  );
  return { permissions: new Set(permissions) };
}

function limitToParent(order: MintOrder, now: number): { readonly asked: GuestGrant } | Refused {
  const { realm, asked, parent } = order;
  const guest = parent?.guest;
  if (guest === undefined) return neverEnding(asked, parent);
  const { record, usesLeft } = guest;
  const { audiences } = record;
  const held = effectiveNow(realm, record);
  if (isRefused(held)) return held;
  if (escapesIntrospection(record.granted, asked)) {
    return refusal(
      'access_denied',
      '/format',
      'would free the token of limits that only introspection keeps',
    );
  }
  const granted = { ...held.granted, policies: ownGrant(realm, record).policies };
  const ttlLeft = record.exp === null ? null : Math.max(1, record.exp - now);
  const outcome = attenuate({ granted, audiences, ttlLeft, usesLeft }, asked);
  return isRefused(outcome)
    ? outcome
    : { asked: { ...outcome.granted, resources: [...outcome.granted.resources] } };
}

/**
 * True when a resource server could verify the child without introspection although the parent needs it: the parent's
 * limits would not be applied.
 */
function escapesIntrospection(held: Granted, { format }: GuestGrant): boolean {
  return isSelfContained(format) && !isSelfContained(held.format) && limitsByIntrospection(held).length > 0;
}

/** Sessions and grants are forgotten some day, so a token that never expires cannot hang below one. */
function neverEnding(
  asked: GuestGrant,
  parent: ParentToken | undefined,
): { readonly asked: GuestGrant } | Refused {
  if (asked.lifetime?.ttl !== null || parent?.user === undefined) return { asked };
  return refusal('access_denied', '/lifetime/ttl', "must not be null for a token made from a user's");
}

function limitToScope({ scope }: MintOrder, granted: Granted): Granted | Refused {
  if (scope === undefined) return granted;
  const verbs = new Set(scope.split(' '));
  const resources = granted.resources.map((resource) => ({
    ...resource,
    actions: resource.actions.filter((action) => scopesOf([action]).every((verb) => verbs.has(verb))),
  }));
  return resources.every(({ actions }, at) => actions.length > 0 || allowsNothing(granted.resources[at]))
    ? { ...granted, resources }
    : refusal('access_denied', '/scope', 'covers no action of a resource');
}

/**
 * A DPoP proof binds the token to its key, and so does `binding.key`. Where both are there, they must mean the same
 * key.
 */
function bindToKey({ jkt }: MintOrder, granted: Granted): Granted | Refused {
  const bound = granted.binding?.key?.jkt;
  if (jkt === undefined || bound === jkt) return granted;
  if (bound === undefined) return { ...granted, binding: { ...granted.binding, key: { jkt } } };
  return refusal('invalid_request', '/binding/key', 'is not the key of the proof');
}

type Decided = {
  readonly own: Granted;
  readonly granted: Granted;
  readonly policies: readonly ResolvedPolicy[];
  readonly narrowed: readonly string[];
  readonly audiences: readonly string[];
  readonly now: number;
  /** The time by the store's clock. */
  readonly storeNow: number;
};

/** Limits for tokens that are made from this one. */
function ancestorsBelow(parent: GuestRecord): readonly Ancestor[] {
  const beside = parent.besidePointer ?? countBeside(nodesOfPointer(parent));
  return [...(parent.ancestors ?? []), { id: parent.id, beside }];
}

function recordOf(order: MintOrder, decided: Decided): GuestRecord {
  const { own, granted, policies, narrowed, audiences, now } = decided;
  const { ttl, not_before = 0 } = granted.lifetime;
  const { tenant, id: subjectId } = granted.subject;
  const parent = order.parent?.guest?.record;
  const { rowOrigins = [] } = order;
  const { trailDays } = order.realm.policy;
  const id = `gt_${randomValue().slice(0, 26)}`;
  return {
    k: 'GuestToken',
    v: 1,
    id,
    clientId: order.minter.clientId,
    sub: guestSubject(tenant, subjectId),
    audiences,
    iat: now,
    exp: ttl === null ? null : now + ttl,
    ...(not_before === 0 ? {} : { notBefore: decided.storeNow + not_before }),
    narrowed,
    ...sayings({ granted, policies }),
    inherited: [...new Set([...(order.parent?.nodes ?? []), ...(parent ? nodesOfGuest(parent) : [])])],
    budgets: [...(parent?.budgets ?? []), ...budgetOf(id, granted, now)],
    ...policyMembers(order.realm, id, { own, policies }),
    ...(order.act === undefined ? {} : { act: order.act }),
    ...(parent === undefined ? {} : { parentId: parent.id, ancestors: ancestorsBelow(parent) }),
    ...(order.parent?.user === undefined ? {} : userMembers(order.parent.user)),
    ...(rowOrigins.length === 0 ? {} : { rowOrigins }),
    ...(trailDays === DEFAULT_DAYS ? {} : { trailDays }),
  };
}

function userMembers({ id, roles }: SubjectUser): Pick<GuestRecord, 'userId' | 'userRoles'> {
  return { userId: id, userRoles: roles };
}

/** The members of a record that follow from the grant. */
export function sayings({
  granted,
  policies,
}: Pick<Decided, 'granted' | 'policies'>): Pick<
  GuestRecord,
  'granted' | 'policies' | 'scope' | 'policyHash' | 'jkt' | 'x5t#S256'
> {
  const { key, certificate } = granted.binding ?? {};
  return {
    granted: { ...granted, policies: withoutSecrets(granted.policies) },
    policies,
    scope: scopesOf(granted.resources.flatMap(({ actions }) => actions)).join(' '),
    policyHash: policyHashOf({ granted, policies }),
    ...(key === undefined ? {} : { jkt: key.jkt }),
    ...(certificate === undefined ? {} : { 'x5t#S256': certificate['x5t#S256'] }),
  };
}

/** The token's own limit of uses, which its refreshed successors share. */
export function budgetOf(id: string, { lifetime }: Granted, now: number): GuestRecord['budgets'] {
  const most = usesOf(lifetime);
  const { ttl } = lifetime;
  const reach = Math.max(ttl ?? 0, refreshReachOf(lifetime) ?? 0);
  return most === null ? [] : [{ id, most, until: ttl === null ? null : now + reach }];
}

function refusal(code: RefusalCode, pointer: string, message: string): Refused {
  return { refused: [{ code, pointer, message }] };
}
