/**
 * Token exchange (RFC 8693) as the standard door to guest tokens: whose token, for which APIs, limited how
 * (`authorization_details`, RFC 9396 §6), answered with a guest token.
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { isFailure } from '../../base/errors.ts';
import { findRepeatedKey } from '../../base/json-keys.ts';
import { action, scopesOf } from '../../guest/actions.ts';
import type { GuestGrant } from '../../guest/grant.ts';
import type { Minter } from '../../guest/guest-realm.ts';
import { minterOf } from '../../guest/guests.ts';
import type { Minted } from '../../guest/mint.ts';
import { fromDetails, toDetails } from '../../guest/rar.ts';
import { isRefused, type Refused } from '../../guest/refusal.ts';
import { limitFields, TooMany } from '../../limits/too-many.ts';
import { provenKey } from '../dpop.ts';
import { formOf } from '../endpoints/body.ts';
import { TooManyRequests } from '../errors.ts';
import { guestRealmOf } from '../guest-realm.ts';
import type { RealmContext } from '../realm-context.ts';
import { actorOf } from './actor-token.ts';
import { type Subject, subjectOf } from './subject-token.ts';
import { notExchangeable, tokenTypes } from './token-types.ts';

export const tokenExchangeGrant = {
  name: 'urn:ietf:params:oauth:grant-type:token-exchange',
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
  const minter = client && minterOf(client, realm.registry.readAt(client));
  if (client === undefined || minter === undefined)
    throw new errors.UnauthorizedClient('Client may not mint guest tokens');
  const jkt = await provenKey(realm, ctx);
  const form = formOf(ctx);
  const minted = await (form.get('subject_token_type') === tokenTypes.refreshToken
    ? refresh(realm, { value: required(form, 'subject_token'), clientId: client.id, jkt })
    : mint(realm, ctx, { minter, jkt, form }));
  const granted = orThrow(minted);
  ctx.set({ ...limitFields(granted.limit) });
  ctx.body = respond(granted, issuedType(form));
}

type Request = { readonly minter: Minter; readonly jkt: string | undefined; readonly form: URLSearchParams };

async function mint(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  request: Request,
): Promise<Minted | Refused> {
  const { minter, jkt, form } = request;
  const token = { value: required(form, 'subject_token'), type: required(form, 'subject_token_type') };
  const subject = await subjectOf(realm, ctx, minter, token);
  const act = await actorOf(realm, minter, form, subject.parent?.guest?.record.act);
  const guestRealm = guestRealmOf(realm);
  const parsed = fromDetails(detailsOf(form), guestRealm.policy);
  if (isRefused(parsed)) return parsed;
  checkScope(form.get('scope'));
  const order = {
    realm: guestRealm,
    minter,
    asked: complete(parsed.grant, subject, form),
    audiences: [...form.getAll('audience'), ...form.getAll('resource')],
    scope: form.get('scope') ?? undefined,
    ...(subject.parent === undefined ? {} : { parent: subject.parent }),
    act,
    jkt,
    since: subject.readAt,
    also: () => subject.guards ?? [],
  };
  try {
    return await realm.guests.mint(order);
  } catch (error) {
    // Cut while it was being exchanged, or since it was issued.
    if (isFailure(error, 'forbidden')) throw notExchangeable();
    throw asOAuthError(error);
  }
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

type Refreshing = { readonly value: string; readonly clientId?: string; readonly jkt: string | undefined };

/** Rejects with `invalid_grant` for what cannot be refreshed. */
export async function refresh(realm: RealmContext, order: Refreshing): Promise<Minted | Refused> {
  try {
    return await realm.guests.refresh({
      realm: guestRealmOf(realm),
      ...order,
      minterOf: async (id) => {
        const client = await realm.findClient(id);
        return client && minterOf(client, realm.registry.readAt(client));
      },
    });
  } catch (error) {
    if (isFailure(error, 'forbidden')) throw new errors.InvalidGrant('refresh token not active');
    throw asOAuthError(error);
  }
}

function required(form: URLSearchParams, name: string): string {
  const value = form.get(name);
  if (value === null || value === '') throw new errors.InvalidRequest(`missing required parameter '${name}'`);
  return value;
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

/** What the parameters and the subject token say beside the details. */
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
    ...(wantsRefresh
      ? { lifetime: { ...grant.lifetime, refresh: { allowed: true, ...grant.lifetime?.refresh } } }
      : {}),
  };
}

function isSameGuest(asked: GuestGrant['subject'], named: GuestGrant['subject']): boolean {
  return asked?.tenant === named?.tenant && asked?.id === named?.id;
}

function issuedType(form: URLSearchParams): string {
  const requested = form.get('requested_token_type') ?? tokenTypes.accessToken;
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
    ...(record.exp === null ? {} : { expires_in: record.exp - record.iat }),
    scope: record.scope,
    ...(renewal === undefined ? {} : { refresh_token: renewal.value, refresh_expires_in: renewal.expiresIn }),
    authorization_details: toDetails(record.granted),
  };
}

/** The native codes in the OAuth shape of the token endpoint (guest-tokens 7.3). */
export function orThrow(minted: Minted | Refused): Minted {
  if (!isRefused(minted)) return minted;
  const [first] = minted.refused;
  const description = `${first?.pointer ?? ''} ${first?.message ?? ''}`.trim();
  if (first?.code === 'invalid_target') throw new errors.InvalidTarget(description);
  if (first?.pointer === '/scope') throw new errors.InvalidScope(description, '');
  throw new errors.InvalidAuthorizationDetails(description);
}
