/**
 * The JSON API of guest tokens below a realm (guest-tokens 7.2 to 7.4): who calls, which route, and every refusal in
 * one shape. What a token may be is decided in `guest/`.
 */
import type { Context } from 'koa';
import { annotate } from '../../http/request-state.ts';
import { apiHeaders } from '../../http/security-headers.ts';
import type { RealmProvider } from '../../oidc/provider/provider.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import { type GuestApiCaller, guestApiCaller } from './authenticate.ts';
import type { Call, LinkOf } from './call.ts';
import { openToPages, preflightEmbed, redeemEmbed, showEmbed } from './embed-routes.ts';
import { createOpener, mintBatch, mintOne } from './mint-routes.ts';
import { handlerOf, Problem, withProblems } from './problems.ts';
import { changeToken, listTokens, revokeMany, revokeToken, showEvents, showToken } from './token-routes.ts';

type Handler = (call: Call) => Promise<void>;
type Route = { readonly path: RegExp; readonly methods: Readonly<Record<string, Handler>> };

const ID = '(gt_[A-Za-z0-9_-]{1,64})';

const routes: readonly Route[] = [
  { path: /^\/guest-tokens\/?$/, methods: { GET: listTokens, POST: mintOne } },
  { path: /^\/guest-tokens\/batch$/, methods: { POST: mintBatch } },
  { path: /^\/guest-tokens\/revoke$/, methods: { POST: revokeMany } },
  { path: /^\/guest-tokens\/openers$/, methods: { POST: createOpener } },
  {
    path: new RegExp(`^/guest-tokens/${ID}$`),
    methods: { GET: showToken, PATCH: changeToken, DELETE: revokeToken },
  },
  { path: new RegExp(`^/guest-tokens/${ID}/events$`), methods: { GET: showEvents } },
];

const embedPath = /^\/embed\/([A-Za-z0-9_-]{1,128})$/;

/** Answers what lies at an address of guest tokens below a realm; `false` for everything else. */
export async function answerGuestApi(
  ctx: Context,
  provider: RealmProvider,
  path: string,
  linkOf: LinkOf,
): Promise<boolean> {
  const opener = embedPath.exec(path)?.[1];
  if (opener === undefined && !/^\/guest-tokens(\/|$)/.test(path)) return false;
  annotate(ctx.req, { route: opener === undefined ? 'guest-tokens' : 'embed' });
  ctx.set({ ...apiHeaders({ isHttps: provider.realm.publicUrl.startsWith('https:') }) });
  await withProblems(ctx, () =>
    opener === undefined ? answer({ ctx, linkOf }, provider, path) : answerEmbed(ctx, provider.realm, opener),
  );
  return true;
}

async function answer(
  { ctx, linkOf }: Pick<Call, 'ctx' | 'linkOf'>,
  provider: RealmProvider,
  path: string,
): Promise<void> {
  const caller = await authenticate(ctx, provider, path);
  annotate(ctx.req, { client: caller.name });
  const route = routes.find((one) => one.path.test(path));
  if (route === undefined) throw new Problem('not_found', 'there is nothing at this address');
  const handler = handlerOf(ctx, route.methods);
  const name = route.path.exec(path)?.[1] ?? '';
  await handler({ ctx, realm: provider.realm, caller, path, name, linkOf });
}

/** A user without the permission is known, and still may do nothing here. */
async function authenticate(ctx: Context, provider: RealmProvider, path: string): Promise<GuestApiCaller> {
  const caller = await guestApiCaller(provider, ctx, path);
  if ('scheme' in caller) throw unauthenticated(provider.realm, caller.scheme);
  if (caller.clientId === undefined && !caller.isManager) {
    const headers = { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="guests:manage"' };
    throw new Problem('access_denied', 'the token has no permission guests:manage', { headers });
  }
  return caller;
}

function unauthenticated({ issuer }: RealmContext, scheme: 'Basic' | 'Bearer'): Problem {
  const error = scheme === 'Bearer' ? 'invalid_token' : 'invalid_client';
  const headers = { 'WWW-Authenticate': `${scheme} realm="${issuer}", error="${error}"` };
  return new Problem('invalid_client', 'the caller is not authenticated', { headers });
}

async function answerEmbed(ctx: Context, realm: RealmContext, opener: string): Promise<void> {
  openToPages(ctx);
  const handler = handlerOf(ctx, { GET: showEmbed, POST: redeemEmbed, OPTIONS: preflightEmbed });
  await handler(ctx, realm, opener);
}
