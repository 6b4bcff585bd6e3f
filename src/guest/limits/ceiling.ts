/**
 * A client's `mints` section as a ceiling, and a request under it. What can be left out without changing the meaning
 * of a request is left out and reported; everything else is refused. Pure.
 */

import { z } from 'zod';
import { pointerOf } from '../../base/json-pointer.ts';
import { clientId, type Policy, quota } from '../../registry/model/model.ts';
import { LONGEST_LIFE } from '../../revocation/life.ts';
import { type Action, action, permissionNeeded, resourceType } from '../grant/actions.ts';
import { identifier, label } from '../grant/fields.ts';
import {
  type Granted,
  type GrantedResource,
  type GuestGrant,
  guestGrant,
  mayNeverEnd,
  NO_END,
  type PolicyUse,
  type Resource,
} from '../grant/grant.ts';
import type { GuestPolicy } from '../grant/guest-policy.ts';
import { MAX_REFRESH, refreshReachOf, ttlOf } from '../grant/lifetime.ts';
import type { Rows } from '../grant/predicate.ts';
import { narrowRows } from '../grant/predicate-narrow.ts';
import type { Refusal, RefusalCode, Refused } from '../grant/refusal.ts';
import { isUseOf } from './policies.ts';
import { rowsFor, subjectRows } from './templates.ts';

const formats = guestGrant.shape.format.unwrap();

export const mints = z.strictObject({
  /**
   * APIs (by `id`) that the guest tokens may be for. The first one is meant when a request names none. Absent: the
   * realm's default API.
   */
  apis: z.array(z.string().max(63)).min(1).max(100).optional(),
  types: z.array(resourceType).min(1).max(100),
  /** The only resources. Absent: every resource of the allowed types. */
  resources: z
    .array(
      z.strictObject({
        type: resourceType,
        id: identifier,
        /** Includes what lies below the resource. Absent: it does not. */
        include: z.literal('children').optional(),
      }),
    )
    .max(1000)
    .optional(),
  actions: z.array(action).min(1),
  /** The only tenants. Absent: every tenant. */
  tenants: z.array(identifier).max(1000).optional(),
  /** A limit on rows for every guest of this client. Values may be the guest's own (`{{ subject.tenant }}`). */
  rows: subjectRows.optional(),
  /** Names of the policies that a request may use. Absent: all policies of the realm. */
  policies: z.array(label(128)).max(500).optional(),
  /** Names of the policies that every guest of this client has, whatever a request names. */
  requiredPolicies: z.array(label(128)).max(20).optional(),
  /** Seconds. */
  maxTtl: z.int().min(1).max(LONGEST_LIFE).default(86_400),
  /** How long refreshing may go on, in seconds from the minting. */
  maxRefresh: z.int().min(0).max(MAX_REFRESH).default(MAX_REFRESH),
  allowNonExpiring: z.boolean().default(false),
  formats: z
    .array(formats)
    .min(1)
    .default([...formats.options]),
  /** Guest tokens a minute, at most as many as the realm's `quotas` allow. Absent: as many as these allow. */
  perMinute: quota.optional(),
  /** Clients, beside itself, whose users' tokens it may exchange. */
  subjectsFrom: z.array(clientId).max(100).default([]),
});

export type Mints = z.infer<typeof mints>;

export type MintRules = {
  readonly ceiling: Mints;
  readonly policy: GuestPolicy;
  /** Audiences of the APIs that the ceiling names. */
  readonly audiences: ReadonlySet<string>;
  /**
   * The permissions that the subject has at the token's API, such as `dashboards:read`. Present for a user only,
   * whose permissions limit the guest token.
   */
  readonly permissions?: ReadonlySet<string>;
  /** The server-held policies of the realm. */
  readonly policies: readonly Policy[];
};

/** `narrowed`: a sentence for each part of the request that the token will not have. */
export type Narrowed = { readonly granted: Granted; readonly narrowed: readonly string[] };

type Notes = {
  readonly refuse: (code: RefusalCode, path: readonly (string | number)[], message: string) => void;
  readonly note: (sentence: string) => void;
};

/** The request under the client's ceiling, the realm's policy and the subject's own rights; pointers into it. */
export function applyCeiling(asked: GuestGrant, rules: MintRules): Narrowed | Refused {
  const refused: Refusal[] = [];
  const narrowed = new Set<string>();
  const notes: Notes = {
    refuse: (code, path, message) => void refused.push({ code, pointer: pointerOf(path), message }),
    note: (sentence) => void narrowed.add(sentence),
  };
  const { subject } = asked;
  checkWhole(asked, rules, notes);
  const policies = withRequired(asked, rules, notes);
  const rowLimit = rowLimitFor(asked, rules, notes);
  const resources = asked.resources.flatMap(
    (resource, index) => narrowResource(resource, index, { ...rules, ...notes, rowLimit }) ?? [],
  );
  const lifetime = narrowLifetime(asked, rules, notes);
  if (refused.length > 0 || subject === undefined) return { refused };
  return { granted: { ...asked, subject, resources, policies, lifetime }, narrowed: [...narrowed] };
}

function checkWhole(asked: GuestGrant, { ceiling }: MintRules, { refuse }: Notes): void {
  const { subject, format, policies } = asked;
  if (subject === undefined) refuse('invalid_request', ['subject'], 'is required');
  else if (ceiling.tenants !== undefined && !ceiling.tenants.includes(subject.tenant)) {
    refuse('access_denied', ['subject', 'tenant'], 'is not a tenant of this client');
  }
  if (!ceiling.formats.includes(format)) {
    refuse('access_denied', ['format'], 'is not allowed for this client');
  }
  for (const [index, { name }] of policies.entries()) {
    const isRequired = ceiling.requiredPolicies?.includes(name) === true;
    if (ceiling.policies?.includes(name) === false && !isRequired) {
      refuse('access_denied', ['policies', index, 'name'], 'is not allowed for this client');
    }
  }
}

/** The policies of the request, and those that every guest of the client has. */
function withRequired(
  asked: GuestGrant,
  { ceiling, policies }: MintRules,
  { refuse, note }: Notes,
): PolicyUse[] {
  const added = (ceiling.requiredPolicies ?? []).flatMap((name): PolicyUse[] => {
    const defined = policies.filter((policy) => policy.name === name);
    if (defined.length === 0)
      refuse('policy_unresolved', ['policies'], `lack ${name}, which the realm does not have`);
    const missing = defined.filter((policy) => !asked.policies.some((use) => isUseOf(use, [policy])));
    if (missing.some(({ parameters }) => parameters.length > 0)) {
      refuse('policy_unresolved', ['policies'], `lack ${name}, which every guest of this client has`);
    }
    return missing.map(({ kind }) => ({ kind, name, params: {} }));
  });
  for (const { name } of added) note(`policy ${name} added by client policy`);
  return [...asked.policies, ...added];
}

/** The client's limit on rows, for this guest. */
function rowLimitFor({ subject }: GuestGrant, { ceiling }: MintRules, { refuse }: Notes): Rows | undefined {
  if (ceiling.rows === undefined || subject === undefined) return undefined;
  const limit = rowsFor(subject, ceiling.rows);
  if ('rows' in limit) return limit.rows;
  refuse('access_denied', ['subject'], `lacks ${limit.missing} for the client's row limit`);
  return 'none';
}

type ResourceRules = MintRules & Notes & { readonly rowLimit: Rows | undefined };

function narrowResource(asked: Resource, index: number, rules: ResourceRules): GrantedResource | undefined {
  const { ceiling, audiences, refuse } = rules;
  const path = ['resources', index];
  if (!ceiling.types.includes(asked.type)) {
    refuse('access_denied', [...path, 'type'], 'is not allowed for this client');
    return undefined;
  }
  const listed = ceiling.resources?.filter(({ type, id }) => type === asked.type && id === asked.id);
  if (listed?.length === 0) {
    refuse('access_denied', [...path, 'id'], 'is not allowed for this client');
    return undefined;
  }
  for (const [at, location] of (asked.locations ?? []).entries()) {
    if (!audiences.has(location)) {
      refuse('invalid_target', [...path, 'locations', at], 'is not a resource server of this client');
    }
  }
  const actions = narrowActions(asked, index, rules);
  const rows = limitResourceRows(asked, index, rules);
  return rows === undefined ? undefined : { ...withoutChildren(asked, listed, rules), actions, rows };
}

/** A ceiling that lists only the resource itself does not cover what lies below it. */
function withoutChildren(asked: Resource, listed: Mints['resources'], { note }: ResourceRules): Resource {
  const { include, ...alone } = asked;
  if (include === undefined || listed?.every((one) => one.include === undefined) !== true) return asked;
  note(`what lies below ${asked.type} removed by client policy`);
  return alone;
}

function narrowActions({ type, actions }: Resource, index: number, rules: ResourceRules): Action[] {
  const { ceiling, permissions, refuse, note } = rules;
  const granted = actions.filter((name) => {
    if (!ceiling.actions.includes(name)) {
      note(`${name} removed by client policy`);
      return false;
    }
    if (permissions?.has(permissionNeeded(type, name)) === false) {
      note(`${name} of ${type} removed: the subject has no ${permissionNeeded(type, name)}`);
      return false;
    }
    return true;
  });
  // A resource without actions (only our own entry points ask for one) is there for its limits.
  if (granted.length === 0 && actions.length > 0) {
    refuse('access_denied', ['resources', index, 'actions'], 'holds nothing that may be granted');
  }
  return granted;
}

function limitResourceRows(asked: Resource, index: number, rules: ResourceRules): Rows | undefined {
  const { rowLimit, policy, refuse, note } = rules;
  const path = ['resources', index, 'rows'];
  const given = asked.rows ?? policy.defaultRows;
  if (given === undefined) {
    refuse('invalid_request', path, 'is required: a predicate, "all" or "none"');
    return undefined;
  }
  if (rowLimit === undefined) return given;
  const limited = narrowRows(rowLimit, given);
  if (limited === undefined)
    refuse('access_denied', path, "is too large together with the client's row limit");
  if (JSON.stringify(limited) !== JSON.stringify(given))
    note(`rows of ${asked.type} limited by client policy`);
  return limited;
}

function narrowLifetime(asked: GuestGrant, rules: MintRules, { refuse, note }: Notes): Granted['lifetime'] {
  const ttl = narrowTtl(asked, rules, { refuse, note });
  const { idle, ...rest } = asked.lifetime ?? {};
  const end = ttl ?? Number.POSITIVE_INFINITY;
  if ((rest.not_before ?? 0) >= end) {
    refuse('access_denied', ['lifetime', 'not_before'], 'is after the longest life of this client');
  }
  // An idle time beyond the token's life has no effect, and is left out.
  const narrowedIdle = idle === undefined || idle > end ? {} : { idle };
  return { ...rest, ...narrowedIdle, ...narrowRefresh(asked, ttl, { ceiling: rules.ceiling, note }), ttl };
}

function narrowTtl(
  asked: GuestGrant,
  { ceiling, policy }: MintRules,
  { refuse, note }: Notes,
): number | null {
  const wanted = ttlOf(asked.lifetime);
  if (wanted === null) {
    const mayLiveOn = ceiling.allowNonExpiring && policy.allowNonExpiring;
    if (!mayLiveOn) refuse('access_denied', ['lifetime', 'ttl'], 'must not be null for this client');
    else if (!mayNeverEnd(asked.format)) refuse('access_denied', ['lifetime', 'ttl'], NO_END);
    return null;
  }
  const ttl = Math.min(wanted, ceiling.maxTtl, policy.maxTtl);
  if (ttl !== wanted && asked.lifetime?.ttl !== undefined)
    note(`life shortened to ${ttl} s by client policy`);
  return ttl;
}

/** A refresh limit that ends before the token does means no refresh. */
function narrowRefresh(
  asked: GuestGrant,
  ttl: number | null,
  { ceiling, note }: Pick<ResourceRules, 'ceiling' | 'note'>,
): Pick<Granted['lifetime'], 'refresh'> {
  const reach = refreshReachOf(asked.lifetime);
  if (reach === undefined) return {};
  const absolute = Math.min(reach, ceiling.maxRefresh);
  if (absolute !== reach) note(`refreshing limited to ${absolute} s by client policy`);
  const isUseful = ttl !== null && absolute >= ttl;
  return { refresh: isUseful ? { allowed: true, absolute } : { allowed: false } };
}
