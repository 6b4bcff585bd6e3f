/**
 * The routes of a surface as data: method, path, and who may call. A table of routes does nothing by itself:
 * `route-table.ts` matches requests against it, and `daypass routes` prints it.
 */
import type { Context } from 'koa';
import type { z } from 'zod';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Who may call, and how a caller proves it. The handler of a route checks it; this documents it. */
export const callers = {
  anybody: 'no proof',
  client: 'client authentication, as at the token endpoint (RFC 6749 §2.3)',
  bearer: 'an access token (RFC 6750)',
  'client or bearer':
    'client authentication, or an access token for Daypass, of a client or with `guests:manage`',
  administrator: 'an access token for `urn:daypass:admin` with the permission of the address',
  holder: 'possession: the address or the body holds the secret',
  person: 'a browser with a session, or one that is about to sign in',
  section: 'a key or secret of the compatibility section',
  operator: 'the admin port, which only the machine itself reaches',
} as const;

export type Caller = keyof typeof callers;

/** The members of a route that the printed map shows. */
export type RouteInfo = {
  readonly method: Method;
  /** `/a/:name`: a parameter is one segment; `{/}` is a slash that may be left out. HEAD is answered as GET. */
  readonly path: string;
  readonly who: Caller;
};

export type Route<Call> = RouteInfo & {
  /** The form of each parameter, decoded. With another value the route does not match. */
  readonly params?: Readonly<Record<string, RegExp>>;
  readonly schema?: { readonly body?: z.ZodType; readonly query?: z.ZodType };
  /**
   * Pages of any origin may call it, without credentials of the browser, with these request headers. They may read
   * the response headers `exposes`.
   */
  readonly crossOrigin?: { readonly headers: string; readonly exposes?: string };
  handler(call: Call): Promise<void> | void;
};

export type Params = Readonly<Record<string, string>>;

/** A request that a route has matched. `path` is as sent; `params` are decoded once. */
export type Routed<Request> = Request & { readonly path: string; readonly params: Params };

/** Why a request to a known path reaches no handler. */
export type RouteFault =
  | { readonly kind: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly kind: 'bad_address' }
  | { readonly kind: 'encoded_body' };

export type Surface<Request> = {
  /** The name in the map of addresses, and the `route` in log lines and metrics. */
  readonly name: string;
  readonly routes: readonly Route<Routed<Request>>[];
  /** False where a realm does not have this surface: then its paths do not exist. */
  isThere?(request: Request): boolean;
  /** Answers in the surface's own error shape. This function sets the status; `Allow` is set already. */
  refuse(ctx: Context, fault: RouteFault): void;
  /** Answers that the realm cannot be read at the moment. Absent: the common answer is used. */
  tellOutage?(ctx: Context): void;
  /** Answers at other paths, such as all that are below the surface's own. */
  readonly rest?: { readonly path: string; handler(call: Routed<Request>): Promise<void> | void };
};

/** Routes for another kind of call: `answer` makes the inner call and passes it to the route's handler. */
export function wrapRoutes<Outer, Inner>(
  routes: readonly Route<Inner>[],
  answer: (outer: Outer, handler: (call: Inner) => Promise<void> | void) => Promise<void> | void,
): readonly Route<Outer>[] {
  return routes.map((route) => ({ ...route, handler: (outer) => answer(outer, route.handler) }));
}

/** The surface for a larger kind of request, from which `innerOf` takes what the surface needs. */
export function adaptSurface<Outer, Inner>(
  surface: Surface<Inner>,
  innerOf: (outer: Outer) => Inner,
): Surface<Outer> {
  const { isThere, rest, routes, ...same } = surface;
  const routed = (outer: Routed<Outer>) => ({ ...innerOf(outer), path: outer.path, params: outer.params });
  return {
    ...same,
    routes: wrapRoutes(routes, (outer: Routed<Outer>, handler) => handler(routed(outer))),
    ...(isThere === undefined ? {} : { isThere: (outer: Outer) => isThere(innerOf(outer)) }),
    ...(rest === undefined ? {} : { rest: { ...rest, handler: (outer) => rest.handler(routed(outer)) } }),
  };
}

/** The refusals of surfaces without an error shape of their own: the same as at the protocol's addresses. */
export function refusePlainly(ctx: Context, fault: RouteFault): void {
  if (fault.kind === 'bad_address') {
    ctx.status = 400;
    ctx.body = { error: 'HTTP 400 Bad Request' };
    return;
  }
  if (fault.kind === 'encoded_body') {
    ctx.status = 415;
    ctx.body = { error: 'HTTP 415 Unsupported Media Type' };
    return;
  }
  ctx.status = 405;
  ctx.set('Allow', fault.allow.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : method)).join(', '));
  ctx.body = { error: 'HTTP 405 Method Not Allowed' };
}
