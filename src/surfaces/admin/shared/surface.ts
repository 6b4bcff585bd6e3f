/** Turns the routes of the admin API into a surface: caller, permission, body, answer, in this order. */
import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { Problem, refuseWithProblem, tellOutageAsProblem, withProblems } from '../../../http/problem.ts';
import { annotate, stateOf } from '../../../http/request-state.ts';
import type { Route, Routed, Surface } from '../../../http/routes.ts';
import { readBody } from './body.ts';
import { type AdminCaller, findCaller, type NoCaller } from './caller.ts';
import type { AdminDeps } from './deps.ts';
import { isKnown } from './etag.ts';
import { answerOnce } from './idempotency.ts';
import { type AdminRoute, type Answer, isAnsweredOnce } from './route.ts';

/**
 * How many bytes of lines wait for a client that does not read yet. Most clients read nothing before they have sent
 * everything: if the answer waited for them, and they for it, neither would go on.
 */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;

export type AdminRequest = { readonly ctx: Context; readonly deps: AdminDeps };

export function createAdminSurface(routes: readonly AdminRoute[]): Surface<AdminRequest> {
  return {
    name: 'admin',
    routes: routes.map(mounted),
    refuse: refuseWithProblem,
    tellOutage: tellOutageAsProblem,
    rest: {
      path: '/admin/v1/*rest',
      handler: (request) => withProblems(request, refuseAddress),
    },
  };
}

function refuseAddress(): never {
  throw new Problem('not_found', 'there is nothing at this address');
}

function mounted(route: AdminRoute): Route<Routed<AdminRequest>> {
  const { method, path, params } = route;
  return {
    method,
    path,
    params,
    who: 'administrator',
    handler: (request) => withProblems(request, () => answer(route, request)),
  };
}

async function answer(route: AdminRoute, request: Routed<AdminRequest>): Promise<void> {
  const { ctx, deps, params, path } = request;
  const realm = params['realm'];
  const caller = await findCaller(deps, ctx, { realm, path });
  if ('challenge' in caller) throw unauthenticated(caller);
  const { kind, id = '' } = caller.actor;
  annotate(ctx.req, {
    ...(kind === 'user' ? { user: id } : { client: id }),
    ...(realm === undefined ? {} : { realm }),
  });
  refuseUnentitled(request, route, caller);
  const body = await bodyOf(route, ctx);
  const changes = deps.registry.by(caller.actor);
  const call = { ctx, deps, caller, changes, params, query: ctx.query, body };
  const work = () => route.handle(call);
  const answered = isAnsweredOnce(route)
    ? await answerOnce(
        { deps, caller, key: ctx.get('Idempotency-Key'), request: `${path} ${JSON.stringify(body)}` },
        work,
      )
    : await work();
  write(ctx, deps, answered);
}

/** Lines are read by the handler, as they come. */
function bodyOf({ method, body, media }: AdminRoute, ctx: Context): Promise<unknown> {
  const isRead = method !== 'GET' && body !== undefined && media !== 'application/x-ndjson';
  return isRead ? readBody(ctx) : Promise.resolve(undefined);
}

function write(ctx: Context, { tag }: AdminDeps, answer: Answer): void {
  const { status, body, lines, tagged, headers = {} } = answer;
  ctx.set({ ...headers });
  ctx.status = status;
  if (tagged !== undefined) {
    const current = tag(tagged);
    ctx.set('ETag', current);
    if (ctx.method === 'GET' && isKnown(ctx, current)) {
      ctx.status = 304;
      return;
    }
  }
  if (lines !== undefined) {
    ctx.body = Readable.from(textOf(lines), { objectMode: false, highWaterMark: MAX_WAITING_BYTES });
    ctx.type = 'application/x-ndjson';
    return;
  }
  if (body === undefined) {
    ctx.body = null;
    ctx.status = status;
    return;
  }
  ctx.body = JSON.stringify(body);
  ctx.type = 'application/json';
}

async function* textOf(lines: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`;
}

/** RFC 6750 §3: a request without a token is told no error. */
function unauthenticated({ challenge }: NoCaller): Problem {
  const scheme = challenge === 'use_dpop_nonce' ? 'DPoP' : 'Bearer';
  const error = challenge === 'none' ? '' : `, error="${challenge}"`;
  return new Problem('invalid_token', 'send an access token for urn:daypass:admin', {
    headers: { 'WWW-Authenticate': `${scheme} realm="admin"${error}` },
  });
}

/** RFC 6750 §3.1. Nothing is said of the realm or the thing in the address. */
function refuseUnentitled(request: AdminRequest, route: AdminRoute, caller: AdminCaller): void {
  const { permissions, isServerWide } = route;
  const isHere = !isServerWide || caller.isServerWide;
  if (isHere && permissions.some(caller.may)) return;
  emitRefusal(request, route, caller);
  const detail = isHere
    ? `the token needs the permission ${permissions.join(' or ')}`
    : "only administrators of the administrators' realm may do this";
  throw new Problem('insufficient_scope', detail, {
    headers: {
      'WWW-Authenticate': `Bearer realm="admin", error="insufficient_scope", scope="${permissions[0]}"`,
    },
  });
}

/** In the realm of the caller, which exists. Of a caller without a token nothing is known, not even a realm. */
function emitRefusal({ ctx, deps }: AdminRequest, { id: operation }: AdminRoute, caller: AdminCaller): void {
  const { kind, id = '' } = caller.actor;
  deps.events.emit({
    type: 'access.refused',
    realm: caller.realm,
    api: 'admin',
    reason: 'forbidden',
    caller: { kind: kind === 'user' ? 'user' : 'client', id },
    operation,
    source: stateOf(ctx.req).source,
  });
}
