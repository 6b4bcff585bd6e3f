/**
 * A guest grant as RFC 9396 `authorization_details`, and back. One object grants the product of what it lists, so
 * each resource has an object of its own (`embed_resource`), each server-held policy too (`embed_policy`), and the
 * whole token has at most one `embed_session`. Format, purpose, label, metadata and the dry run cannot be expressed
 * in these objects.
 */
import { z } from 'zod';
import { resourceType } from '../grant/actions.ts';
import { identifier, label } from '../grant/fields.ts';
import {
  checkRealmRules,
  countFaults,
  type GuestGrant,
  guestGrant,
  policyParams,
  policyUse,
  type Resource,
  resourceLimits,
  sessionFields,
} from '../grant/grant.ts';
import type { GuestPolicy } from '../grant/guest-policy.ts';
import {
  type Fault,
  faultsOf,
  findUnreadable,
  type Path,
  type Refused,
  refusalsOf,
} from '../grant/refusal.ts';
import { withoutSecrets } from '../limits/policies.ts';
import type { GuestRecord } from './guest-record.ts';

/** The types that a minting client is registered for. */
export const detailTypes = ['embed_resource', 'embed_policy', 'embed_session'] as const;

const embedResource = z.strictObject({
  type: z.literal('embed_resource'),
  identifier,
  datatypes: z.tuple([resourceType]),
  privileges: z.tuple([z.literal('children')]).optional(),
  ...resourceLimits,
});

const embedPolicy = z.strictObject({
  type: z.literal('embed_policy'),
  identifier: label(128),
  datatypes: z.tuple([policyUse.shape.kind]),
  params: policyParams.default({}),
});

const embedSession = z.strictObject({ type: z.literal('embed_session'), ...sessionFields });

const detail = z.discriminatedUnion('type', [embedResource, embedPolicy, embedSession], {
  error: (issue) =>
    issue.code === 'invalid_union' ? `must be one of ${detailTypes.join(', ')}` : 'must be an object',
});

// As many resources as a grant may have.
const details = z.array(detail).min(1).max(121);

export type AuthorizationDetail = z.infer<typeof detail>;

/** The objects for a grant, secrets left out. */
export function toDetails(grant: GuestGrantLike): AuthorizationDetail[] {
  const { subject, context, ui, binding, lifetime, session } = grant;
  const whole = withoutUndefined({ subject, context, ui, binding, lifetime, session });
  return [
    ...grant.resources.map(({ type, id, include, ...limits }) => ({
      type: 'embed_resource' as const,
      identifier: id,
      datatypes: [type] satisfies [unknown],
      ...(include === undefined ? {} : { privileges: [include] satisfies [unknown] }),
      ...limits,
    })),
    ...withoutSecrets(grant.policies).map(({ kind, name, params }) => ({
      type: 'embed_policy' as const,
      identifier: name,
      datatypes: [kind] satisfies [unknown],
      params,
    })),
    ...(Object.keys(whole).length === 0 ? [] : [{ type: 'embed_session' as const, ...whole }]),
  ];
}

/**
 * Which condition on the rows of these resources came from where. Stands beside the objects, which hold the result.
 */
export function rowOriginsOf(
  { rowOrigins = [] }: Pick<GuestRecord, 'rowOrigins'>,
  resources: readonly Pick<Resource, 'type' | 'id'>[],
): { readonly row_origins?: readonly object[] } {
  const shown = rowOrigins.filter((one) =>
    resources.some(({ type, id }) => one.type === type && one.id === id),
  );
  if (shown.length === 0) return {};
  return { row_origins: shown.map(({ id, ...origin }) => ({ ...origin, identifier: id })) };
}

/**
 * Reads the grant that the objects ask for, or `invalid_authorization_details` (RFC 9396 §5) for every fault, with
 * pointers into `input`. The grant has a subject only if they name one.
 */
export function fromDetails(input: unknown, policy: GuestPolicy): { readonly grant: GuestGrant } | Refused {
  const unreadable = findUnreadable(input);
  if (unreadable !== undefined) return refuse([unreadable]);
  const parsed = details.safeParse(input);
  if (!parsed.success) return refuse(faultsOf(parsed.error));
  const extra = findSecondSession(parsed.data);
  if (extra !== undefined) return refuse([extra]);
  // Each object is valid on its own; this checks the limits and rules of the whole.
  const whole = guestGrant.safeParse(assemble(parsed.data));
  const faults = whole.success
    ? [...countFaults(whole.data), ...checkRealmRules(whole.data, policy)]
    : faultsOf(whole.error);
  if (!whole.success || faults.length > 0) return refuse(faults.map(locate(parsed.data)));
  return { grant: whole.data };
}

/** A grant as asked for or as granted. */
type GuestGrantLike = Pick<GuestGrant, 'subject' | 'context' | 'ui' | 'binding' | 'lifetime' | 'session'> & {
  readonly resources: readonly GuestGrant['resources'][number][];
  readonly policies: GuestGrant['policies'];
};

function assemble(given: readonly AuthorizationDetail[]): unknown {
  const resources: unknown[] = [];
  const policies: unknown[] = [];
  let session: object = {};
  for (const one of given) {
    switch (one.type) {
      case 'embed_resource': {
        const { type: _type, identifier: id, datatypes, privileges, ...limits } = one;
        resources.push({ type: datatypes[0], id, ...(privileges && { include: privileges[0] }), ...limits });
        break;
      }
      case 'embed_policy':
        policies.push({ kind: one.datatypes[0], name: one.identifier, params: one.params });
        break;
      case 'embed_session': {
        const { type: _type, ...fields } = one;
        session = fields;
        break;
      }
    }
  }
  return { ...session, resources, policies };
}

function findSecondSession(given: readonly AuthorizationDetail[]): Fault | undefined {
  const [, second] = given.flatMap(({ type }, index) => (type === 'embed_session' ? [index] : []));
  return second === undefined ? undefined : { path: [second], message: 'is a second embed_session' };
}

/** Maps a path in the grant to the path in the objects that it came from. */
function locate(given: readonly AuthorizationDetail[]) {
  const names: Record<string, string> = { resources: 'embed_resource', policies: 'embed_policy' };
  const ownNames: Record<string, string> = { id: 'identifier', name: 'identifier', include: 'privileges' };

  return ({ path, message }: Fault): Fault => {
    const [part = '', index, field, ...rest] = path;
    const type = names[part] ?? 'embed_session';
    const positions = given.flatMap((one, at) => (one.type === type ? [at] : []));
    if (type === 'embed_session') return { path: [...positions, ...path], message };
    const position = typeof index === 'number' ? positions[index] : undefined;
    if (position === undefined) return { path: [], message: `${part}: ${message}` };
    const inside: Path = field === undefined ? [] : [ownNames[field] ?? field, ...rest];
    return { path: [position, ...inside], message };
  };
}

function refuse(faults: readonly Fault[]): Refused {
  return refusalsOf('invalid_authorization_details', faults);
}

function withoutUndefined<Fields extends object>(fields: Fields): Partial<Fields> {
  const kept: Partial<Fields> = { ...fields };
  for (const name in kept) if (kept[name] === undefined) delete kept[name];
  return kept;
}
