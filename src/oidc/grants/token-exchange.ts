/**
 * Token exchange (RFC 8693). Here: for guest tokens, the subject, the APIs and the limits (`authorization_details`, RFC
 * 9396 §6) of the request, answered with a guest token. For another API: api-exchange.ts.
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { isoTime } from '../../base/clock.ts';
import { isFailure } from '../../base/errors.ts';
import { findRepeatedKey } from '../../base/json-keys.ts';
import { action, scopesOf } from '../../guest/grant/actions.ts';
import type { GuestGrant } from '../../guest/grant/grant.ts';
import { type Lifetime, lifetime } from '../../guest/grant/lifetime.ts';
import { faultsOf, isRefused, type Refused } from '../../guest/grant/refusal.ts';
import { minterOf } from '../../guest/guests.ts';
import type { Minted } from '../../guest/issue/mint.ts';
import type { Minter } from '../../guest/limits/guest-realm.ts';
import { fromDetails, toDetails } from '../../guest/record/rar.ts';
import { HOLDER } from '../../guest/trail/trail.ts';
import { stateOf } from '../../http/request-state.ts';
import { limitFields, TooMany } from '../../limits/too-many.ts';
import type { RequestSource } from '../../observability/request-source.ts';
import type { Client } from '../../registry/model/model.ts';
import type { Write } from '../../storage/port/port.ts';
import type { Possession } from '../../tokens/usable.ts';
import { formOf } from '../http/form.ts';
import { protocolStateOf } from '../http/protocol-state.ts';
import { TooManyRequests } from '../library/errors.ts';
import { guestRealmOf } from '../realm/guest-realm.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { actorOf } from './actor-token.ts';
import { asksForApi, exchangeForApi } from './api-exchange.ts';
import { given, required, resourcesOf } from './exchange-form.ts';
import { possessionOf } from './possession.ts';
import { mayExchange, type Subject, subjectOf, subjectUser } from './subject-token.ts';
import { notExchangeable, tokenTypes } from './token-types.ts';

export const tokenExchangeGrant = {
  name: 'urn:ietf:params:oauth:grant-type:token-exchange' as const,
  parameters: [
    'subject_token',
    'subject_token_type',
    'actor_token',
    'actor_token_type',
    'requested_token_type',
    'audience',
    'resource',
    'scope',
    'authorization_details',
  ],
  mayRepeat: ['audience', 'resource'],
  handler: (realm: RealmContext) => (ctx: KoaContextWithOIDC) => exchange(realm, ctx),
};

async function exchange(realm: RealmContext, ctx: KoaContextWithOIDC): Promise<void> {
  const client = await realm.findClient(ctx.oidc.client?.clientId ?? '');
  const { guestRefreshToken: value } = protocolStateOf(ctx);
  const form = formOf(ctx);
  if (client !== undefined && value === undefined && asksForApi(client, form)) {
    requireGrant(client);
    return exchangeForApi(realm, ctx, client);
  }
  const minter = client && minterOf(client, realm.registry.readAt(client));
  if (client === undefined || minter === undefined) throw new errors.UnauthorizedClient(refusalOf(form));
  const proven = await possessionOf(realm, ctx);
  const requestSource = stateOf(ctx.req).source;
  if (value !== undefined) {
    const scope = form.get('scope') || undefined;
    const order = { value, clientId: client.id, jkt: proven.jkt, scope, requestSource };
    ctx.body = respond(orThrow(await refresh(realm, order)), tokenTypes.accessToken);
    return;
  }
  requireGrant(client);
  const granted = orThrow(await mint(realm, { minter, form, proven, requestSource }));
  ctx.set({ ...limitFields(granted.limit) });
  ctx.body = respond(granted, issuedType(form));
}

function refusalOf(form: URLSearchParams): string {
  return given(form).has('authorization_details')
    ? 'Client may not mint guest tokens'
    : 'Client may neither exchange tokens for an API nor mint guest tokens';
}

/** The library lets every minting client through; the grant type is checked here. */
function requireGrant({ grants }: Client): void {
  if (!grants.includes(tokenExchangeGrant.name))
    throw new errors.UnauthorizedClient('Client is not registered for token exchange');
}

type Request = {
  readonly minter: Minter;
  readonly form: URLSearchParams;
  readonly proven: Possession;
  readonly requestSource: RequestSource;
  /** A refusal emits no event, because the library's path asks again. */
  readonly isTrial?: boolean;
  /** Guards that must hold at the moment of minting. */
  readonly guards?: readonly Write[];
};

/** Rejects with the error that the token endpoint answers. */
export async function mint(realm: RealmContext, request: Request): Promise<Minted | Refused> {
  const { minter, proven, requestSource, isTrial = false, guards = [] } = request;
  const form = given(request.form);
  const [value, type] = [required(form, 'subject_token'), required(form, 'subject_token_type')];
  const guestRealm = guestRealmOf(realm);
  issuedType(form);
  checkScope(form.get('scope'));
  const audiences = apisNamed(form);
  // What a check spends (a `jti`) is checked after everything that is only read.
  const parsed = fromDetails(detailsOf(form), guestRealm.policy);
  if (isRefused(parsed)) return parsed;
  const subject = await subjectOf(realm, minter, { value, type, proven });
  const held = subject.parent?.guest?.record.act;
  const namesActor = form.has('actor_token') || form.has('actor_token_type');
  const mayUse = ({ clientId }: { readonly clientId: string }) => mayExchange(minter, clientId);
  const asking = { clientId: minter.clientId, mayUse, form, proven };
  const act = namesActor ? await actorOf(realm, asking, held) : held;
  const order = {
    realm: guestRealm,
    minter,
    asked: complete(parsed.grant, subject, form),
    source: { by: minter.clientId, ...requestSource },
    isTrial,
    audiences,
    scope: form.get('scope') ?? undefined,
    ...(subject.parent === undefined ? {} : { parent: subject.parent }),
    act,
    jkt: proven.jkt,
    since: subject.readAt,
    also: () => [...(subject.guards ?? []), ...guards],
  };
  try {
    return await realm.guests.mint(order);
  } catch (error) {
    // The subject token was cut while it was being exchanged, or since it was issued.
    if (isFailure(error, 'forbidden')) throw notExchangeable();
    throw asOAuthError(error);
  }
}

/** APIs by id or audience, and by resource. */
function apisNamed(form: URLSearchParams): readonly string[] {
  return [...form.getAll('audience'), ...resourcesOf(form)];
}

/** RFC 6749 §5.2: a scope that does not exist. */
function checkScope(scope: string | null): void {
  const unknown = scope?.split(' ').find((name) => name !== '' && !scopes.has(name));
  if (unknown !== undefined) throw new errors.InvalidScope('requested scope is not a guest scope', unknown);
}

const scopes: ReadonlySet<string> = new Set(scopesOf(action.options));

function asOAuthError(error: unknown): unknown {
  if (error instanceof TooMany) return new TooManyRequests(error);
  if (isFailure(error, 'invalid_input')) return new errors.InvalidAuthorizationDetails(error.message);
  return error;
}

type Refreshing = {
  readonly value: string;
  readonly clientId?: string;
  readonly jkt: string | undefined;
  readonly 'x5t#S256'?: string | undefined;
  readonly requestSource: RequestSource;
  readonly scope: string | undefined;
};

/** Rejects with `invalid_grant` for what cannot be refreshed. */
export async function refresh(
  realm: RealmContext,
  { requestSource, ...order }: Refreshing,
): Promise<Minted | Refused> {
  try {
    return await realm.guests.refresh({
      realm: guestRealmOf(realm),
      ...order,
      source: { by: order.clientId ?? HOLDER, ...requestSource },
      minterOf: async (id) => {
        const client = await realm.findClient(id);
        return client && minterOf(client, realm.registry.readAt(client));
      },
      userOf: (id) => subjectUser(realm, id),
    });
  } catch (error) {
    if (isFailure(error, 'forbidden')) throw new errors.InvalidGrant('refresh token not active');
    throw asOAuthError(error);
  }
}

function detailsOf(form: URLSearchParams): unknown {
  const text = form.get('authorization_details');
  if (text === null) throw new errors.InvalidAuthorizationDetails('authorization_details is required');
  const value = parseDetails(text);
  if (findRepeatedKey(text) !== undefined) {
    throw new errors.InvalidAuthorizationDetails('authorization_details have a member twice');
  }
  return value;
}

function parseDetails(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new errors.InvalidAuthorizationDetails('authorization_details is not JSON');
  }
}

/** The members of the grant that come from parameters and the subject token, beside the details. */
function complete(grant: GuestGrant, subject: Subject, form: URLSearchParams): GuestGrant {
  const requested = form.get('requested_token_type');
  const wantsRefresh = requested === tokenTypes.refreshToken;
  if (subject.isNamed === true && !isSameGuest(grant.subject ?? subject.guest, subject.guest)) {
    throw new errors.InvalidRequest('authorization_details name another guest than subject_token');
  }
  return {
    ...grant,
    subject: grant.subject ?? subject.guest,
    ...(requested === tokenTypes.jwt ? { format: 'jwt' } : {}),
    ...(wantsRefresh ? { lifetime: refreshable(grant.lifetime) } : {}),
  };
}

/** Applies the same rules as if the details had asked for it. */
function refreshable(life: Lifetime | undefined): Lifetime {
  const parsed = lifetime.safeParse({ ...life, refresh: { allowed: true, ...life?.refresh } });
  if (parsed.success) return parsed.data;
  const [fault] = faultsOf(parsed.error);
  throw new errors.InvalidAuthorizationDetails(`lifetime ${fault?.path.join('/')} ${fault?.message}`);
}

function isSameGuest(asked: GuestGrant['subject'], named: GuestGrant['subject']): boolean {
  return asked?.tenant === named?.tenant && asked?.id === named?.id;
}

export function issuedType(form: URLSearchParams): string {
  const requested = form.get('requested_token_type') || tokenTypes.accessToken;
  const known: readonly string[] = [tokenTypes.accessToken, tokenTypes.jwt, tokenTypes.refreshToken];
  if (!known.includes(requested)) throw new errors.InvalidRequest('requested_token_type is not supported');
  return requested === tokenTypes.jwt ? tokenTypes.jwt : tokenTypes.accessToken;
}

/** RFC 8693 §2.2.1 with RFC 9396 §7. */
export function respond({ record, value, refresh: renewal }: Minted, issuedTokenType: string): object {
  return {
    access_token: value,
    issued_token_type: issuedTokenType,
    token_type: record.jkt === undefined ? 'Bearer' : 'DPoP',
    ...(record.exp === null ? {} : { expires_in: record.exp - record.iat, expires_at: isoTime(record.exp) }),
    scope: record.scope,
    ...(renewal === undefined ? {} : { refresh_token: renewal.value, refresh_expires_in: renewal.expiresIn }),
    authorization_details: toDetails(record.granted),
  };
}

/** The codes of the native API in the OAuth shape of the token endpoint. */
export function orThrow(minted: Minted | Refused): Minted {
  if (!isRefused(minted)) return minted;
  const [first] = minted.refused;
  const description = `${first?.pointer ?? ''} ${first?.message ?? ''}`.trim();
  if (first?.code === 'invalid_target') throw new errors.InvalidTarget(description);
  if (first?.pointer === '/scope') throw new errors.InvalidScope(description, '');
  throw new errors.InvalidAuthorizationDetails(description);
}
