/** The introspection answer for an active guest token. Pure. */
import type { Policy } from '../../registry/model/model.ts';
import { type Action, action as actionSchema, scopesOf } from '../grant/actions.ts';
import { allowsNothing, type GrantedResource } from '../grant/grant.ts';
import { compileRows } from '../grant/predicate-sql.ts';
import { isNamed } from '../grant/resource-name.ts';
import { isUseOf } from '../limits/policies.ts';
import { confirmationOf, type GuestRecord } from '../record/guest-record.ts';
import { type Effective, policyHashOf } from '../record/policy-effect.ts';
import { rowOriginsOf, toDetails } from '../record/rar.ts';
import type { GuestAnswer, GuestCaller, GuestQuestion } from './question.ts';

type Described = {
  readonly record: GuestRecord;
  readonly issuer: string;
  readonly realm: string;
  /** The connection and schema policies of the caller's APIs. */
  readonly own: readonly Policy[];
};

type Asked = GuestCaller & { readonly question: GuestQuestion };

/** The members of RFC 7662 §2.2 and those of guest tokens, limited to what concerns the calling resource server. */
export function describeGuest(
  { record, realm, issuer, own }: Described,
  effective: Effective,
  caller: Asked,
): GuestAnswer {
  const { subject } = record.granted;
  const shown = limitToCaller(record, effective, caller, own);
  return {
    active: true,
    iss: issuer,
    realm,
    sub: record.sub,
    aud: record.audiences.length === 1 ? record.audiences[0] : record.audiences,
    client_id: record.clientId,
    scope: scopesOf(effective.granted.resources.flatMap(({ actions }) => actions)).join(' '),
    iat: record.iat,
    ...(record.exp === null ? {} : { exp: record.exp }),
    ...(record.notBefore === undefined ? {} : { nbf: record.notBefore }),
    jti: record.id,
    token_type: record.jkt === undefined ? 'Bearer' : 'DPoP',
    guest: true,
    tenant: subject.tenant,
    ...(subject.id === undefined ? {} : { guest_id: subject.id }),
    gid: record.parentId ?? record.id,
    pol: policyHashOf(effective),
    ...(record.act === undefined ? {} : { act: record.act }),
    ...confirmationOf(record),
    authorization_details: toDetails(shown.granted),
    ...rowOriginsOf(record, shown.granted.resources),
    ...(shown.policies.length === 0 ? {} : { policies: shown.policies }),
    ...(caller.question.resource === undefined ? {} : answerFor(record, effective, caller)),
  };
}

/** RFC 9396 §9.2: only the objects that are for the asking resource server. */
function limitToCaller(
  record: GuestRecord,
  { granted, policies }: Effective,
  caller: GuestCaller,
  own: readonly Policy[],
): Effective {
  const isMinter = caller.clientId === record.clientId;
  const isShown = (policy: Pick<Policy, 'kind' | 'name'>) =>
    isMinter || policy.kind === 'row' || isUseOf(policy, own);
  const resources = granted.resources.filter((resource) => isResourceFor(resource, record, caller));
  return {
    granted: { ...granted, resources, policies: granted.policies.filter(isShown) },
    policies: policies.filter(isShown),
  };
}

function isResourceFor({ locations }: GrantedResource, record: GuestRecord, caller: GuestCaller): boolean {
  if (caller.clientId === record.clientId) return true;
  return (locations ?? record.audiences).some((location) => caller.audiences.has(location));
}

/** Only what is listed is allowed. A name that could mean two listed resources is refused. */
function answerFor(record: GuestRecord, { granted }: Effective, caller: Asked) {
  const { resource = '', action } = caller.question;
  const named = granted.resources.filter((one) => isNamed(one, resource));
  const [found] = named.filter((one) => isResourceFor(one, record, caller));
  const wanted = actionSchema.safeParse(action ?? 'view');
  const isClear = found !== undefined && named.length === 1 && wanted.success;
  // The resource allows nothing by itself. A resource server that shows it inside another one needs its limits.
  if (isClear && allowsNothing(found)) return { allowed: false, policy: policyOf(found) };
  if (!isClear || !allows(found, wanted.data)) return { allowed: false };
  return { allowed: true, policy: policyOf(found) };
}

function allows({ actions }: GrantedResource, wanted: Action): boolean {
  return actions.includes(wanted);
}

/** The limits of one resource, ready to apply: the predicate itself and its SQL with bound parameters. */
function policyOf({ rows, columns, filters, limits }: GrantedResource) {
  return {
    rows,
    sql: {
      // A token with raw SQL that the realm no longer allows was refused before this point.
      postgresql: compileRows(rows, 'postgresql', { allowRawSql: true }),
      mysql: compileRows(rows, 'mysql', { allowRawSql: true }),
      sqlite: compileRows(rows, 'sqlite', { allowRawSql: true }),
    },
    ...(columns === undefined ? {} : { columns }),
    ...(filters === undefined ? {} : { filters }),
    ...(limits === undefined ? {} : { limits }),
  };
}
