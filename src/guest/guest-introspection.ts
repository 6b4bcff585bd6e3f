/**
 * What a resource server learns of a guest token: whether it counts for this very request, and the limits to apply.
 * A successful introspection is one use. Why a token does not count is told to its API alone.
 */
import { type Clock, epochSeconds } from '../base/clock.ts';
import type { Document, Store } from '../storage/store.ts';
import { type Action, action as actionSchema } from './actions.ts';
import { type BindingFault, checkBinding, type Presented } from './bindings.ts';
import type { GrantedResource } from './grant.ts';
import { type GuestRecord, idleKey, usesKey } from './guest-record.ts';
import { usesOf } from './lifetime.ts';
import { compileRows } from './predicate-sql.ts';
import { toDetails } from './rar.ts';

export type GuestReason = 'expired' | 'idle' | 'revoked' | 'max_uses' | 'not_yet_valid' | BindingFault;

/** What the resource server saw, and what it wants to do. */
export type GuestQuestion = Presented & {
  readonly resource?: string | undefined;
  readonly action?: string | undefined;
  /** Ask without counting a use. */
  readonly dryRun: boolean;
};

export type GuestCaller = {
  /** Audiences of the APIs that it introspects. */
  readonly audiences: ReadonlySet<string>;
  readonly clientId: string;
};

export type GuestAnswer =
  | { readonly active: false; readonly guest_reason?: GuestReason }
  | ({ readonly active: true } & Record<string, unknown>);

export type GuestIntrospectionDeps = { readonly store: Store; readonly clock: Clock };

type Found = { readonly record: GuestRecord; readonly document: Document; readonly hash: string };

/** The members of RFC 7662 §2.2 and the guest's own for an entitled caller; otherwise exactly `active: false`. */
export async function introspectGuest(
  deps: GuestIntrospectionDeps,
  found: Found & { readonly realm: string; readonly issuer: string },
  caller: GuestCaller,
  question: GuestQuestion,
): Promise<GuestAnswer> {
  const isApi = found.record.audiences.some((audience) => caller.audiences.has(audience));
  if (!isApi && caller.clientId !== found.record.clientId) return { active: false };
  const reason = await reasonAgainst(deps, found, question, isApi);
  if (reason !== undefined) return isApi ? { active: false, guest_reason: reason } : { active: false };
  return describe(found, caller, question);
}

/** The client that minted a token may look at it, which is no use of it. */
async function reasonAgainst(
  deps: GuestIntrospectionDeps,
  found: Found & { readonly realm: string },
  question: GuestQuestion,
  isApi: boolean,
): Promise<GuestReason | undefined> {
  const dead = deathOf(found, epochSeconds(deps.clock));
  if (dead !== undefined || !isApi) return dead;
  return checkBinding(found.record.granted.binding, question) ?? use(deps, found, question.dryRun);
}

/** Exchanging a token for a narrower one is a use of it; what binds its browser binds the child all the same. */
export async function useForExchange(
  deps: GuestIntrospectionDeps,
  found: Found & { readonly realm: string },
): Promise<GuestReason | undefined> {
  return deathOf(found, epochSeconds(deps.clock)) ?? use(deps, found, false);
}

function deathOf({ record, document }: Found, now: number): GuestReason | undefined {
  if (document.cut) return 'revoked';
  if (record.exp !== null && record.exp <= now) return 'expired';
  return record.notBefore > now ? 'not_yet_valid' : undefined;
}

/** Counts a use and keeps an idle token awake, in that order, so that what is refused keeps nothing awake. */
async function use(
  { store, clock }: GuestIntrospectionDeps,
  { record, hash, realm }: Found & { readonly realm: string },
  isDryRun: boolean,
): Promise<GuestReason | undefined> {
  const { idle } = record.granted.lifetime;
  if (idle !== undefined && (await store.read([idleKey(realm, hash)]))[0] === undefined) return 'idle';
  const most = usesOf(record.granted.lifetime);
  if (most !== null) {
    const windowMs = ((record.exp ?? record.iat + 31_536_000) - epochSeconds(clock) + 600) * 1000;
    const { count } = await store.count(usesKey(realm, hash), { windowMs, by: isDryRun ? 0 : 1 });
    if (isDryRun ? count >= most : count > most) return 'max_uses';
  }
  if (idle !== undefined && !isDryRun) {
    await store.commit([{ put: idleKey(realm, hash), value: '1', ttl: idle }]);
  }
  return undefined;
}

function describe(
  { record, realm, issuer }: Found & { readonly realm: string; readonly issuer: string },
  caller: GuestCaller,
  question: GuestQuestion,
): GuestAnswer {
  const { subject } = record.granted;
  return {
    active: true,
    iss: issuer,
    realm,
    sub: record.sub,
    aud: record.audiences.length === 1 ? record.audiences[0] : record.audiences,
    client_id: record.clientId,
    scope: record.scope,
    iat: record.iat,
    ...(record.exp === null ? {} : { exp: record.exp }),
    nbf: record.notBefore,
    jti: record.id,
    token_type: record.jkt === undefined ? 'Bearer' : 'DPoP',
    guest: true,
    tenant: subject.tenant,
    ...(subject.id === undefined ? {} : { guest_id: subject.id }),
    gid: record.parentId ?? record.id,
    pol: record.policyHash,
    ...(record.act === undefined ? {} : { act: record.act }),
    ...(record.jkt === undefined ? {} : { cnf: { jkt: record.jkt } }),
    authorization_details: detailsFor(record, caller),
    ...(record.policies.length === 0 ? {} : { policies: record.policies }),
    ...(question.resource === undefined ? {} : answerFor(record, caller, question)),
  };
}

/** RFC 9396 §9.2: only the objects that are for the asking resource server. */
function detailsFor(record: GuestRecord, caller: GuestCaller) {
  const isFor = (resource: GrantedResource) => isResourceFor(resource, record, caller);
  const resources = record.granted.resources.filter(isFor);
  return toDetails({ ...record.granted, resources });
}

function isResourceFor({ locations }: GrantedResource, record: GuestRecord, caller: GuestCaller): boolean {
  if (caller.clientId === record.clientId) return true;
  return (locations ?? record.audiences).some((location) => caller.audiences.has(location));
}

/** Closed world: what is not listed is not allowed. */
function answerFor(record: GuestRecord, caller: GuestCaller, { resource, action }: GuestQuestion) {
  const found = record.granted.resources.find(
    (one) => isNamed(one, resource ?? '') && isResourceFor(one, record, caller),
  );
  const wanted = actionSchema.safeParse(action ?? 'view');
  if (found === undefined || !wanted.success || !allows(found, wanted.data)) return { allowed: false };
  return { allowed: true, policy: policyOf(found) };
}

function allows({ actions }: GrantedResource, wanted: Action): boolean {
  return actions.includes(wanted);
}

/** `dash-1` or `dashboard:dash-1`. */
function isNamed({ type, id }: GrantedResource, name: string): boolean {
  return name === `${type}:${id}` || name === id;
}

/** The limits of one resource, ready to apply: the predicate itself and its SQL with bound parameters. */
function policyOf({ rows, columns, filters, limits }: GrantedResource) {
  return {
    rows,
    sql: {
      postgresql: compileRows(rows, 'postgresql', { allowRawSql: true }),
      mysql: compileRows(rows, 'mysql', { allowRawSql: true }),
      sqlite: compileRows(rows, 'sqlite', { allowRawSql: true }),
    },
    ...(columns === undefined ? {} : { columns }),
    ...(filters === undefined ? {} : { filters }),
    ...(limits === undefined ? {} : { limits }),
  };
}
