/** The protocol's addresses below a realm: the one table that routes, cross-origin access and refusals read. */
const base = '/protocol/openid-connect';

export type Address = {
  readonly path: string;
  readonly methods: readonly string[];
  /**
   * Who may call it from a browser: pages of registered origins (`clients`), or any page where the answer is public
   * (`anybody`). Absent: no page, for addresses that people navigate to (RFC 9700 §2.6) and addresses where only back
   * ends authenticate.
   */
  readonly callers?: 'clients' | 'anybody';
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

const read = ['GET', 'HEAD'];
const post = ['POST'];
const both = [...read, ...post];

const addresses: readonly Address[] = [
  { path: paths.realm, methods: read, callers: 'anybody' },
  { path: paths.openidMetadata, methods: read, callers: 'anybody' },
  { path: paths.oauthMetadata, methods: read, callers: 'anybody' },
  { path: paths.certs, methods: read, callers: 'anybody' },
  { path: paths.authorization, methods: both },
  { path: paths.token, methods: post, callers: 'clients', forHolders: true, takesForm: true },
  { path: paths.introspection, methods: post, takesForm: true },
  { path: paths.revocation, methods: post, callers: 'clients', forHolders: true, takesForm: true },
  { path: paths.userinfo, methods: both, callers: 'clients', takesForm: true },
  { path: paths.logout, methods: both, callers: 'clients', takesForm: true },
  { path: `${paths.logout}/confirm`, methods: post },
  { path: `${paths.logout}/success`, methods: read },
  { path: paths.deviceAuthorization, methods: post, callers: 'clients', takesForm: true },
  { path: paths.device, methods: both },
  { path: paths.pushedRequest, methods: post, callers: 'clients', takesForm: true },
  { path: paths.backchannelAuthentication, methods: post, takesForm: true },
  { path: paths.registration, methods: post, callers: 'clients' },
];

const management: Address = {
  path: `${paths.registration}/`,
  methods: ['GET', 'HEAD', 'PUT', 'DELETE'],
  callers: 'clients',
};

const byFoldedPath = new Map(addresses.map((address) => [address.path.toLowerCase(), address]));

/** The address that the library's router matches: it ignores case and one slash at the end. */
export function addressOf(path: string): Address | undefined {
  const folded = path.toLowerCase();
  const known = byFoldedPath.get(folded) ?? byFoldedPath.get(folded.replace(/\/$/, ''));
  if (known !== undefined) return known;
  return folded.startsWith(management.path) ? management : undefined;
}
