/**
 * The protocol's addresses below a realm: the one table that cross-origin access, refusals and the printed map read.
 * The library routes them; what the surfaces answer is in their own tables.
 */
import type { Caller, Method, RouteInfo } from '../../http/routes.ts';

/** What most of them begin with. */
export const base = '/protocol/openid-connect';

export type Address = {
  /** May end in a parameter, `/:name`. */
  readonly path: string;
  readonly methods: readonly (Method | 'HEAD')[];
  readonly who: Caller;
  /**
   * Whose pages may call it from a browser: those of registered origins (`clients`), or any page where the answer is
   * public (`anybody`). Absent: no page, for addresses that people navigate to (RFC 9700 §2.6) and addresses where only
   * back ends authenticate.
   */
  readonly origins?: 'clients' | 'anybody';
  /** Any page that holds a guest token may call it too, with a proof of the token's key and without a client. */
  readonly forHolders?: boolean;
  /** The body is a form, whose parameters may each be sent once (RFC 6749 §3.2). */
  readonly takesForm?: boolean;
};

export const paths = {
  realm: '/',
  openidMetadata: '/.well-known/openid-configuration',
  oauthMetadata: '/.well-known/oauth-authorization-server',
  authorization: `${base}/auth`,
  token: `${base}/token`,
  introspection: `${base}/token/introspect`,
  revocation: `${base}/revoke`,
  userinfo: `${base}/userinfo`,
  logout: `${base}/logout`,
  certs: `${base}/certs`,
  deviceAuthorization: `${base}/auth/device`,
  device: '/device',
  pushedRequest: `${base}/ext/par/request`,
  backchannelAuthentication: `${base}/ext/ciba/auth`,
  registration: '/clients-registrations/openid-connect',
} as const;

/** The library's names of its routes, which log lines, metrics and events use too. */
export const libraryRoutes = {
  authorization: paths.authorization,
  token: paths.token,
  introspection: paths.introspection,
  revocation: paths.revocation,
  userinfo: paths.userinfo,
  end_session: paths.logout,
  jwks: paths.certs,
  device_authorization: paths.deviceAuthorization,
  code_verification: paths.device,
  pushed_authorization_request: paths.pushedRequest,
  backchannel_authentication: paths.backchannelAuthentication,
  registration: paths.registration,
} as const;

const routeNames: ReadonlyMap<string, string> = new Map(
  Object.entries(libraryRoutes).map(([name, path]) => [path, name]),
);

/** The library's name of the route at a path, for requests that are answered before the library sees them. */
export function routeNameOf(path: string): string | undefined {
  return routeNames.get(path);
}

const read = ['GET', 'HEAD'] as const;
const post = ['POST'] as const;
const both = [...read, ...post] as const;
const takesForm = true;

const addresses: readonly Address[] = [
  { path: paths.realm, methods: read, who: 'anybody', origins: 'anybody' },
  { path: paths.openidMetadata, methods: read, who: 'anybody', origins: 'anybody' },
  { path: paths.oauthMetadata, methods: read, who: 'anybody', origins: 'anybody' },
  { path: paths.certs, methods: read, who: 'anybody', origins: 'anybody' },
  { path: paths.authorization, methods: both, who: 'person' },
  { path: `${paths.authorization}/:uid`, methods: read, who: 'person' },
  { path: paths.token, methods: post, who: 'client', origins: 'clients', forHolders: true, takesForm },
  { path: paths.introspection, methods: post, who: 'client', takesForm },
  { path: paths.revocation, methods: post, who: 'client', origins: 'clients', forHolders: true, takesForm },
  { path: paths.userinfo, methods: both, who: 'bearer', origins: 'clients', takesForm },
  { path: paths.logout, methods: both, who: 'person', origins: 'clients', takesForm },
  { path: `${paths.logout}/confirm`, methods: post, who: 'person' },
  { path: `${paths.logout}/success`, methods: read, who: 'person' },
  { path: paths.deviceAuthorization, methods: post, who: 'client', origins: 'clients', takesForm },
  { path: paths.device, methods: both, who: 'person' },
  { path: `${paths.device}/:uid`, methods: read, who: 'person' },
  { path: paths.pushedRequest, methods: post, who: 'client', origins: 'clients', takesForm },
  { path: paths.backchannelAuthentication, methods: post, who: 'client', takesForm },
  { path: paths.registration, methods: post, who: 'bearer', origins: 'clients' },
  {
    path: `${paths.registration}/:client_id`,
    methods: [...read, 'PUT', 'DELETE'],
    who: 'bearer',
    origins: 'clients',
  },
];

/** The same as routes: HEAD is understood where there is GET. */
export const protocolRoutes: readonly RouteInfo[] = addresses.flatMap(({ path, methods, who }) =>
  methods.filter((method) => method !== 'HEAD').map((method) => ({ method, path, who })),
);

const byFoldedPath = new Map(addresses.map((address) => [address.path.toLowerCase(), address]));

/** The address that the library's router matches: it ignores case and one slash at the end. */
export function addressOf(path: string): Address | undefined {
  const folded = path.toLowerCase();
  return byFoldedPath.get(folded) ?? byFoldedPath.get(folded.replace(/\/$/, '')) ?? addressAbove(folded);
}

/** By the address whose last segment is a parameter, if there is one for what stands before it. */
function addressAbove(folded: string): Address | undefined {
  const at = folded.lastIndexOf('/');
  return at === folded.length - 1 ? undefined : byPrefix.get(folded.slice(0, at));
}

const byPrefix = new Map(
  addresses
    .filter(({ path }) => path.includes('/:'))
    .map((address) => [address.path.slice(0, address.path.indexOf('/:')), address]),
);

/** True for the one spelling that an address has; those with a parameter have many. */
export function isFixed({ path }: Address): boolean {
  return !path.includes(':');
}
