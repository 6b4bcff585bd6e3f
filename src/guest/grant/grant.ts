/**
 * What a guest token says: who looks, at which resources, doing what, seeing which rows and columns, from where and
 * for how long. This is the JSON that clients send and get back, so its names are the wire's. The schema is strict;
 * what depends on the realm is `parseGrant`'s. Nothing here knows a token, a store or HTTP.
 */
import { z } from 'zod';
import { action, resourceType } from './actions.ts';
import { binding, isPlainOrigin } from './bindings.ts';
import { columns } from './columns.ts';
import { atMost, dataNumber, dataText, identifier, label, mapOf, setOf } from './fields.ts';
import type { GuestPolicy } from './guest-policy.ts';
import { isCurrency, isLanguageTag, isTimeZone } from './intl-names.ts';
import { lifetime } from './lifetime.ts';
import { rows, usesRawSql } from './predicate.ts';
import { type Fault, faultsOf, findUnreadable, type Refused, refusalsOf } from './refusal.ts';

/** For clients; the embed products' calls say more, because their customers do. */
export const MAX_RESOURCES = 100;
const MAX_PRODUCT_RESOURCES = 4000;

const attribute = z.union(
  [dataText, dataNumber, z.boolean(), atMost(1024, z.array(dataText)), atMost(1024, z.array(dataNumber))],
  { error: 'must be a string, a number, a boolean, or a list of strings or numbers' },
);

const subject = z
  .strictObject({
    tenant: identifier,
    /** Absent only for an anonymous subject. */
    id: identifier.optional(),
    type: z.enum(['end_user', 'org_user', 'anonymous']).default('end_user'),
    /** As the caller has it: it is told to resource servers, and nothing is sent to it. */
    email: identifier.optional(),
    name: identifier.optional(),
    groups: setOf(identifier, 100).optional(),
    roles: setOf(identifier, 100).optional(),
    attributes: atMost(16_384, mapOf(attribute, 50)).optional(),
    provision: z.enum(['none', 'jit']).default('none'),
  })
  .refine(({ type, id }) => type === 'anonymous' || id !== undefined, {
    path: ['id'],
    message: 'is required unless the type is anonymous',
  });

const filterValues = atMost(16_384, mapOf(z.json(), 100));

const filters = z.strictObject({
  /** Filters that are set and that the guest cannot change. */
  locked: filterValues.optional(),
  /** Filters that are set when the page opens; the guest may change them. */
  initial: filterValues.optional(),
  hidden: setOf(identifier, 100).optional(),
  show_on_url: z.boolean().optional(),
});

/** The members of a resource that native JSON and RAR objects share. */
export const resourceLimits = {
  /** The resource servers that the resource is for. Absent: the audience of the token. */
  locations: setOf(z.url().max(1024), 10).min(1).optional(),
  actions: setOf(action, 32).min(1),
  rows: rows.optional(),
  columns: columns.optional(),
  filters: filters.optional(),
  limits: z.strictObject({ max_rows: z.int().min(1).max(100_000_000).optional() }).optional(),
};

const resource = z.strictObject({
  type: resourceType,
  id: identifier,
  /** Includes what lies below the resource, as the resource server knows it. */
  include: z.literal('children').optional(),
  ...resourceLimits,
});

export const policyParams = mapOf(
  z.union([dataText, dataNumber, z.array(dataText).max(1000), z.array(dataNumber).max(1000)], {
    error: 'must be a string, a number, or a list of strings or numbers',
  }),
  50,
);

/** A server-held template by name, with the values for its placeholders. */
export const policyUse = z.strictObject({
  kind: z.enum(['connection', 'schema', 'row']),
  name: label(128),
  params: policyParams.default({}),
});

const context = z.strictObject({
  datasource: identifier.optional(),
  environment: identifier.optional(),
  domains: z.strictObject({ mode: z.literal('include'), ids: setOf(identifier, 100) }).optional(),
  timezone: z.string().max(64).refine(isTimeZone, 'must be a time zone such as Europe/Berlin').optional(),
  locale: z.string().max(64).refine(isLanguageTag, 'must be a language tag such as de-DE').optional(),
  currency: z.string().max(3).refine(isCurrency, 'must be an ISO 4217 code').optional(),
});

const jsonMap = z.record(z.string(), z.json());

const ui = z.strictObject({
  hide: setOf(identifier, 100).optional(),
  features: mapOf(z.boolean(), 50).optional(),
  start: z.strictObject({ id: identifier, mode: z.enum(['default', 'force']).default('default') }).optional(),
  theme: atMost(4096, jsonMap).optional(),
});

const session = z.strictObject({
  key: identifier,
  max_concurrent: z.int().min(1).max(1000).optional(),
  on_excess: z.literal('reject').default('reject'),
});

/** The members of the whole grant that RAR objects can carry. */
export const sessionFields = {
  /** Absent where the subject token names the guest. */
  subject: subject.optional(),
  context: context.optional(),
  ui: ui.optional(),
  binding: binding.optional(),
  lifetime: lifetime.optional(),
  session: session.optional(),
};

export const guestGrant = z.strictObject({
  ...sessionFields,
  resources: z
    .array(resource)
    .min(1)
    .max(MAX_PRODUCT_RESOURCES)
    .superRefine((list, context) => {
      const seen = new Set<string>();
      for (const [index, { type, id }] of list.entries()) {
        const name = JSON.stringify([type, id]);
        // A resource may be named once: with two limits for it, readers could differ in which one counts.
        if (seen.has(name))
          context.addIssue({ code: 'custom', path: [index, 'id'], message: 'is there twice' });
        seen.add(name);
      }
    }),
  policies: z.array(policyUse).max(20).default([]),
  format: z.enum(['opaque', 'uuid', 'jwt_reference', 'jwt', 'jwe']).default('opaque'),
  purpose: z.enum(['embed', 'public_link']).default('embed'),
  label: identifier.optional(),
  metadata: atMost(4096, jsonMap).optional(),
  dry_run: z.boolean().default(false),
});

/** What a client sends as native JSON: a grant, and the APIs of the token. */
export const guestRequest = guestGrant.extend({
  /** The APIs, by id or audience. Absent: those that the resources name, or else the client's first. */
  audience: setOf(label(1024), 10).min(1).optional(),
});

export type Subject = z.infer<typeof subject>;
export type Resource = z.infer<typeof resource>;
export type PolicyUse = z.infer<typeof policyUse>;
export type GuestGrant = z.infer<typeof guestGrant>;

/** A complete grant, with every default filled in. Tokens are minted from it. */
export type Granted = Omit<GuestGrant, 'subject' | 'resources' | 'lifetime'> & {
  readonly subject: Subject;
  readonly resources: readonly GrantedResource[];
  readonly lifetime: NonNullable<GuestGrant['lifetime']> & { readonly ttl: number | null };
};
export type GrantedResource = Resource & { readonly rows: NonNullable<Resource['rows']> };

/** True for a resource that allows nothing and only limits: its limits hold wherever another resource includes it. */
export function allowsNothing(resource: Pick<Resource, 'actions'> | undefined): boolean {
  return resource?.actions.length === 0;
}

/** What native JSON asks for. */
export type Asked = { readonly grant: GuestGrant; readonly audiences: readonly string[] };

/** Reads native JSON. Otherwise every fault in it, with pointers into `input`. */
export function parseGrant(
  input: unknown,
  policy: GuestPolicy,
  { isOfProduct = false }: { readonly isOfProduct?: boolean } = {},
): Asked | Refused {
  const unreadable = findUnreadable(input);
  if (unreadable !== undefined) return refusalsOf('invalid_request', [unreadable]);
  const parsed = guestRequest.safeParse(input);
  if (!parsed.success) return refusalsOf('invalid_request', faultsOf(parsed.error));
  const { audience: audiences = [], ...grant } = parsed.data;
  const faults = [...(isOfProduct ? [] : countFaults(grant)), ...checkRealmRules(grant, policy)];
  return faults.length > 0 ? refusalsOf('invalid_request', faults) : { grant, audiences };
}

/** More resources than a client may name. */
export function countFaults({ resources }: Pick<GuestGrant, 'resources'>): Fault[] {
  const message = `must hold at most ${MAX_RESOURCES} resources`;
  return resources.length > MAX_RESOURCES ? [{ path: ['resources'], message }] : [];
}

/** Faults against the realm's policy, whoever asks. Paths are paths in the grant. */
export function checkRealmRules(grant: GuestGrant, policy: GuestPolicy): Fault[] {
  return [
    ...grant.resources.flatMap((one, index) => checkRows(one, index, policy)),
    ...checkTtl(grant, policy),
    ...(grant.binding?.origins ?? []).flatMap((value, index) =>
      isPlainOrigin(value) && !policy.allowLocalhostOrigins
        ? [{ path: ['binding', 'origins', index], message: 'must be https' }]
        : [],
    ),
  ];
}

function checkRows({ rows: limit }: Resource, index: number, policy: GuestPolicy): Fault[] {
  const path = ['resources', index, 'rows'];
  if (limit === undefined) {
    return policy.defaultRows === undefined
      ? [{ path, message: 'is required: a predicate, "all" or "none"' }]
      : [];
  }
  return usesRawSql(limit) && !policy.allowRawSql
    ? [{ path, message: 'in_query is not allowed in this realm' }]
    : [];
}

/** RFC 9068 §2.2: a JWT access token has an exp. */
export function mayNeverEnd(format: GuestGrant['format']): boolean {
  return format === 'opaque' || format === 'uuid';
}

export const NO_END = 'must not be null for a JWT: it carries its expiry';

function checkTtl({ lifetime: life, format }: GuestGrant, policy: GuestPolicy): Fault[] {
  const path = ['lifetime', 'ttl'];
  if (life?.ttl === undefined) return [];
  if (life.ttl === null) {
    if (!policy.allowNonExpiring) return [{ path, message: 'must not be null in this realm' }];
    return mayNeverEnd(format) ? [] : [{ path, message: NO_END }];
  }
  const { minTtl, maxTtl } = policy;
  return life.ttl < minTtl || life.ttl > maxTtl
    ? [{ path, message: `must be from ${minTtl} to ${maxTtl} seconds` }]
    : [];
}
