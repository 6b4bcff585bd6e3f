/**
 * The JSON API of guest tokens below a realm: authentication, routes, and every refusal in one shape. `guest/`
 * decides what a token may be.
 */
import { z } from 'zod';
import { guestRequest } from '../../guest/grant/grant.ts';
import { guestChange } from '../../guest/issue/patch.ts';
import { byIds, bySelector } from '../../guest/json/selection.ts';
import { Problem, refuseWithProblem, tellOutageAsProblem, withProblems } from '../../http/problem.ts';
import { annotate, stateOf } from '../../http/request-state.ts';
import { type Route, type Routed, type Surface, wrapRoutes } from '../../http/routes.ts';
import type { RealmRequest } from '../../oidc/provider/realm-router.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import { type GuestApiCaller, guestApiCaller, type Unauthenticated } from './authenticate.ts';
import type { Call, LinkOf } from './call.ts';
import { batch, createOpener, mintBatch, mintOne, openerGrant } from './mint-routes.ts';
import {
  changeToken,
  listQuery,
  listTokens,
  revokeMany,
  revokeToken,
  showEvents,
  showToken,
} from './token-routes.ts';

/** A request to a realm, and how its tokens are linked to. */
export type GuestApiRequest = RealmRequest & { readonly linkOf: LinkOf };

const who = 'client or bearer';
const list = '/guest-tokens{/}';
const one = { path: '/guest-tokens/:id', who, params: { id: /^gt_[A-Za-z0-9_-]{1,64}$/ } } as const;
const events = `${one.path}/events`;
const revocation = z.union([byIds, bySelector]);

const routes: readonly Route<Call>[] = [
  { method: 'GET', path: list, who, schema: { query: listQuery }, handler: listTokens },
  { method: 'POST', path: list, who, schema: { body: guestRequest }, handler: mintOne },
  { method: 'POST', path: '/guest-tokens/batch', who, schema: { body: batch }, handler: mintBatch },
  { method: 'POST', path: '/guest-tokens/revoke', who, schema: { body: revocation }, handler: revokeMany },
  {
    method: 'POST',
    path: '/guest-tokens/openers',
    who,
    schema: { body: openerGrant },
    handler: createOpener,
  },
  { method: 'GET', ...one, handler: showToken },
  { method: 'PATCH', ...one, schema: { body: guestChange }, handler: changeToken },
  { method: 'DELETE', ...one, handler: revokeToken },
  { method: 'GET', ...one, path: events, handler: showEvents },
];

export const guestApi: Surface<GuestApiRequest> = {
  name: 'guest-tokens',
  routes: wrapRoutes(routes, answer),
  refuse: refuseWithProblem,
  tellOutage: tellOutageAsProblem,
  rest: { path: '/guest-tokens/*rest', handler: (request) => answer(request, refuseAddress) },
};

/** Authenticates the caller before anything else; an expected failure becomes the answer. */
function answer(request: Routed<GuestApiRequest>, handler: Route<Call>['handler']): Promise<void> {
  const { ctx, provider, linkOf, path, params } = request;
  return withProblems(request, async () => {
    const caller = await authenticate(request);
    annotate(ctx.req, { client: caller.name });
    await handler({ ctx, realm: provider.realm, caller, path, id: params['id'] ?? '', linkOf });
  });
}

function refuseAddress(): never {
  throw new Problem('not_found', 'there is nothing at this address');
}

/** A user without the permission is authenticated, but may do nothing here. */
async function authenticate({ ctx, provider, path }: Routed<RealmRequest>): Promise<GuestApiCaller> {
  const caller = await guestApiCaller(provider, ctx, path);
  const { events, name: realm } = provider.realm;
  const refused = { type: 'access.refused', realm, api: 'guest-tokens' } as const;
  const { source } = stateOf(ctx.req);
  if ('scheme' in caller) {
    events.emit({ ...refused, reason: 'unauthenticated', source });
    throw unauthenticated(provider.realm, caller.scheme);
  }
  if (caller.clientId === undefined && !caller.isManager) {
    const user = { kind: 'user', id: caller.name } as const;
    events.emit({ ...refused, reason: 'forbidden', caller: user, source });
    const headers = { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="guests:manage"' };
    throw new Problem('access_denied', 'the token has no permission guests:manage', { headers });
  }
  return caller;
}

const challenges = { Basic: 'invalid_client', Bearer: 'invalid_token', DPoP: 'use_dpop_nonce' } as const;

function unauthenticated(
  { issuer }: Pick<RealmContext, 'issuer'>,
  scheme: Unauthenticated['scheme'],
): Problem {
  const headers = { 'WWW-Authenticate': `${scheme} realm="${issuer}", error="${challenges[scheme]}"` };
  return new Problem('invalid_client', 'the caller is not authenticated', { headers });
}
