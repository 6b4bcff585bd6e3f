/** The claims of access tokens: the same in the record, at introspection and in a JWT. */
import type { AccessToken, ClientCredentials, JWTStructured, KoaContextWithOIDC } from 'oidc-provider';
import type { User } from '../../registry/model/model.ts';
import { exchangedSubjectOf } from '../library/internals.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { DaypassAccount } from './claims.ts';

type Token = AccessToken | ClientCredentials;

export function accessTokenClaims(realm: Pick<RealmContext, 'name' | 'findClient'>) {
  return async function extraTokenClaims(
    ctx: KoaContextWithOIDC,
    token: Token,
  ): Promise<Record<string, unknown>> {
    // An exchange has said already whom the token is about.
    if (token.extra !== undefined) return token.extra;
    const user = userOf(ctx);
    if (user !== undefined && 'accountId' in token) {
      return { realm: realm.name, username: user.username, roles: user.roles };
    }
    const client = await realm.findClient(token.clientId ?? '');
    return { realm: realm.name, roles: client?.roles ?? [] };
  };
}

/** The person of a request, once the library has found the account. */
export function userOf(ctx: KoaContextWithOIDC): User | undefined {
  const account = ctx.oidc.account as DaypassAccount | undefined;
  return account?.user;
}

/** Gives a JWT the header and the claims of the realm's profile before it is signed. */
export function shapeJwt(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  token: Token,
  jwt: JWTStructured,
): void {
  const { aud } = jwt.payload;
  const subject = exchangedSubjectOf(token);
  if (subject !== undefined) jwt.payload['sub'] = subject;
  const typ = typeof aud === 'string' ? realm.apiOf(aud)?.tokens.typ : undefined;
  realm.profile.accessTokens.shapeJwt?.(jwt, { realm, ctx, token, user: userOf(ctx) });
  if (typ !== undefined) jwt.header = { ...jwt.header, typ };
}
