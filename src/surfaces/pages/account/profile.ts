/**
 * The person's own data as JSON for a page that holds an access token, as keycloak-js' `loadUserProfile` asks for it. As
 * at userinfo, a token needs `openid`, and its scopes decide the claims (OIDC Core §5.4).
 */
import type { Context } from 'koa';
import { epochSeconds } from '../../../base/clock.ts';
import { sha256 } from '../../../base/hash.ts';
import type { Route, Routed } from '../../../http/routes.ts';
import type { RealmRequest } from '../../../oidc/provider/realm-router.ts';
import type { RealmContext } from '../../../oidc/realm/realm-context.ts';
import type { User } from '../../../registry/model/model.ts';
import { tokenKey } from '../../../revocation/nodes.ts';
import { usableToken } from '../../../tokens/usable.ts';

type Realm = Pick<RealmContext, 'name' | 'store' | 'clock' | 'registry'>;

/** Beside the page at the same path, which answers everything else. */
export const profileRoutes: readonly Route<Routed<RealmRequest>>[] = [
  {
    method: 'GET',
    path: '/account{/}',
    who: 'bearer',
    crossOrigin: { headers: 'Accept, Authorization, Content-Type' },
    handler: answerProfile,
  },
];

export function isProfileCall({ ctx, provider }: RealmRequest): boolean {
  if (!provider.realm.profile.browsers.hasAccountProfile) return false;
  const isPreflight = ctx.method === 'OPTIONS' && ctx.get('Access-Control-Request-Method') === 'GET';
  return isPreflight || (ctx.method === 'GET' && profileToken(ctx) !== undefined);
}

/** The token of a request for JSON; `undefined` for one that wants the page. */
function profileToken(ctx: Context): string | undefined {
  const [, token] = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(ctx.get('Authorization')) ?? [];
  return ctx.accepts('html', 'json') === 'json' ? token : undefined;
}

async function answerProfile({ ctx, provider }: RealmRequest): Promise<void> {
  ctx.set('Cache-Control', 'no-store');
  const found = await holderOf(provider.realm, profileToken(ctx) ?? '');
  if (found !== undefined) {
    ctx.body = profileOf(found.user, found.scopes);
    return;
  }
  ctx.status = 401;
  ctx.set('WWW-Authenticate', 'Bearer error="invalid_token"');
  ctx.body = { error: 'invalid_token' };
}

type Holder = { readonly user: User; readonly scopes: ReadonlySet<string> };

async function holderOf(realm: Realm, token: string): Promise<Holder | undefined> {
  const [document] = await realm.store.read([tokenKey(realm.name, sha256(token))]);
  const record = usableToken(document, { now: epochSeconds(realm.clock) });
  const scopes = new Set(record?.scope?.split(' '));
  if (record?.accountId === undefined || !scopes.has('openid')) return undefined;
  const user = await realm.registry.findUser(realm.name, record.accountId);
  return user?.enabled === true ? { user, scopes } : undefined;
}

function profileOf(user: User, scopes: ReadonlySet<string>): object {
  const { givenName: firstName, familyName: lastName, email, emailVerified } = user;
  return {
    id: user.id,
    username: user.username,
    ...(scopes.has('profile') ? { firstName, lastName } : {}),
    ...(scopes.has('email') ? { email, emailVerified } : {}),
  };
}
