/** Matches requests against the routes of surfaces. Fixed paths are found by one look-up, whatever their number. */
import type { Context } from 'koa';
import { match } from 'path-to-regexp';
import { hasEncodedBody } from './body.ts';
import { annotate } from './request-state.ts';
import type { Params, Route, Routed, Surface } from './routes.ts';

type Request = { readonly ctx: Context };

/** All routes of a surface at one path. */
type Address<R extends Request> = {
  readonly surface: Surface<R>;
  readonly routes: readonly Route<Routed<R>>[];
  /** The parameters, not decoded; `undefined` for another path. */
  paramsOf(path: string): Params | undefined;
};

export type RouteTable<R extends Request> = {
  /**
   * Answers a request that a route matches, and a wrong method at a route's path. `false` leaves the request to
   * others.
   */
  answer(request: R, path: string): Promise<boolean>;
  /** Answers that the store cannot be reached, at paths whose surface has its own words for it. */
  tellOutage(ctx: Context, path: string): boolean;
  /** True for a path that has a route, in some realm. */
  knows(path: string): boolean;
};

/**
 * Where several surfaces have one path, the first that is enabled in the realm answers. Fixed paths are tried before
 * paths with parameters.
 */
export function createRouteTable<R extends Request>(surfaces: readonly Surface<R>[]): RouteTable<R> {
  const addresses = surfaces.flatMap((surface) => addressesOf(surface));
  const fixed = Map.groupBy(
    addresses.filter(({ path }) => !isPattern(path)),
    ({ path }) => path,
  );
  const patterns = addresses.filter(({ path }) => isPattern(path));
  const rests = surfaces.flatMap((surface) => restOf(surface));

  /** The addresses that match, in the order in which they are tried. */
  function* addressesAt(path: string): Generator<Address<R>> {
    yield* fixed.get(path) ?? [];
    for (const address of patterns) if (address.paramsOf(path) !== undefined) yield address;
  }

  async function answer(request: R, path: string): Promise<boolean> {
    for (const address of addressesAt(path)) if (await answerAt(address, request, path)) return true;
    for (const rest of rests) if (await rest(request, path)) return true;
    return false;
  }

  function tellOutage(ctx: Context, path: string): boolean {
    for (const { surface } of addressesAt(path)) {
      if (surface.tellOutage === undefined) continue;
      annotate(ctx.req, { route: surface.name });
      surface.tellOutage(ctx);
      return true;
    }
    return false;
  }

  return { answer, tellOutage, knows: (path) => addressesAt(path).next().done !== true };
}

function addressesOf<R extends Request>(surface: Surface<R>): readonly (Address<R> & { path: string })[] {
  const byPath = Map.groupBy(surface.routes, ({ path }) => path);
  return [...byPath].map(([path, routes]) => ({ surface, routes, path, paramsOf: matcherOf(path) }));
}

function isPattern(path: string): boolean {
  return /[:{*]/.test(path);
}

function matcherOf(path: string): (given: string) => Params | undefined {
  const find = match<Record<string, string>>(path, { decode: false, sensitive: true, trailing: false });
  return (given) => {
    const found = find(given);
    return found === false ? undefined : found.params;
  };
}

async function answerAt<R extends Request>(
  { surface, routes, paramsOf }: Address<R>,
  request: R,
  path: string,
): Promise<boolean> {
  const { ctx } = request;
  const params = decoded(paramsOf(path) ?? {});
  const isOther = params !== undefined && !routes.some((route) => fits(route, params));
  if (isOther || surface.isThere?.(request) === false) return false;
  annotate(ctx.req, { route: surface.name });
  const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
  const route = routes.find((one) => one.method === method);
  openToPages(ctx, route === undefined ? routes : [route]);
  if (route === undefined) refuseMethod(surface, routes, ctx);
  else if (params === undefined) surface.refuse(ctx, { kind: 'bad_address' });
  else if (hasEncodedBody(ctx.req)) refuseEncoding(surface, ctx);
  else await route.handler({ ...request, path, params });
  return true;
}

/** `undefined` when the percent-encoding is broken. */
function decoded(params: Params): Params | undefined {
  try {
    return Object.fromEntries(Object.entries(params).map(([name, text]) => [name, decodeURIComponent(text)]));
  } catch {
    return undefined;
  }
}

function fits({ params: patterns = {} }: Pick<Route<never>, 'params'>, params: Params): boolean {
  return Object.entries(patterns).every(([name, pattern]) => pattern.test(params[name] ?? ''));
}

/** RFC 9110 §15.5.16: the field says what is accepted instead. */
function refuseEncoding<R extends Request>(surface: Surface<R>, ctx: Context): void {
  ctx.set('Accept-Encoding', 'identity');
  surface.refuse(ctx, { kind: 'encoded_body' });
}

type Opened = Pick<Route<never>, 'crossOrigin' | 'method'>;

function openToPages(ctx: Context, routes: readonly Opened[]): void {
  const open = routes.filter(({ crossOrigin }) => crossOrigin !== undefined);
  if (open.length === 0) return;
  ctx.set('Access-Control-Allow-Origin', '*');
  const exposed = open.flatMap(({ crossOrigin }) => crossOrigin?.exposes ?? []);
  if (exposed.length > 0) ctx.set('Access-Control-Expose-Headers', exposed.join(', '));
}

/** A preflight uses the method OPTIONS (Fetch §3.2.2); it is answered where a route is open to pages. */
function refuseMethod<R extends Request>(
  surface: Surface<R>,
  routes: readonly Route<Routed<R>>[],
  ctx: Context,
): void {
  const open = routes.filter(({ crossOrigin }) => crossOrigin !== undefined);
  if (ctx.method === 'OPTIONS' && open.length > 0) {
    answerPreflight(ctx, open);
    return;
  }
  const allow = [...methodsOf(routes), ...(open.length > 0 ? ['OPTIONS'] : [])];
  // RFC 9110 §15.5.6.
  ctx.set('Allow', allow.join(', '));
  surface.refuse(ctx, { kind: 'method_not_allowed', allow });
}

function answerPreflight(ctx: Context, open: readonly Opened[]): void {
  ctx.status = 204;
  ctx.set('Access-Control-Allow-Methods', methodsOf(open).join(', '));
  ctx.set('Access-Control-Allow-Headers', open.map(({ crossOrigin }) => crossOrigin?.headers).join(', '));
  ctx.set('Access-Control-Max-Age', '3600');
}

function methodsOf(routes: readonly Opened[]): readonly string[] {
  return routes.map(({ method }) => method);
}

function restOf<R extends Request>(surface: Surface<R>) {
  const { rest } = surface;
  if (rest === undefined) return [];
  const paramsOf = matcherOf(rest.path);
  return [
    async (request: R, path: string): Promise<boolean> => {
      if (paramsOf(path) === undefined || surface.isThere?.(request) === false) return false;
      annotate(request.ctx.req, { route: surface.name });
      await rest.handler({ ...request, path, params: {} });
      return true;
    },
  ];
}

/**
 * Tells a path without that of the public address; empty for that very path. A proxy may have taken it away already: then
 * the path stays as it is.
 */
export function pathsBelow(publicUrl: string): (path: string) => string {
  const base = new URL(publicUrl).pathname.replace(/\/$/, '');
  return (path) => (path === base || path.startsWith(`${base}/`) ? path.slice(base.length) : path);
}
