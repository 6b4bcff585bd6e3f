/** A realm with clients that mint, and the requests that tests of guest tokens make. */
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { calculateJwkThumbprint, type JWK, SignJWT } from 'jose';
import { createGuests } from '../../src/guest/guests.ts';
import type { Services } from '../../src/services.ts';
import { type Answer, basic, postForm } from '../support/http.ts';
import { acme } from '../support/realms.ts';

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
export const JWT = 'urn:ietf:params:oauth:token-type:jwt';

export const portal = ['portal', 'portal-secret'] as const;
export const other = ['other', 'other-secret'] as const;
export const keeper = ['keeper', 'keeper-secret'] as const;

/** The ceiling of `portal` and `other`. */
export const mints = {
  apis: ['analytics'],
  types: ['dashboard', 'report', 'metric', 'custom:story'],
  actions: ['view', 'filter', 'export:csv'],
  maxTtl: 86_400,
  subjectsFrom: ['dc-ui'],
};

export type FileClient = { readonly id: string } & Readonly<Record<string, unknown>>;

/** As the demo realm: `portal` and `other` mint, `keeper` manages, `gateway` introspects. */
export function guestRealm(
  overrides: Record<string, unknown> = {},
  more: { readonly portal?: object; readonly clients?: readonly FileClient[] } = {},
) {
  const base = acme();
  const grants = ['client_credentials', EXCHANGE];
  const clients: readonly FileClient[] = [
    ...base.clients.filter(({ id }) => id !== 'portal'),
    { id: 'portal', secret: 'portal-secret', grants, mints, ...more.portal },
    { id: 'other', secret: 'other-secret', grants, mints },
    { id: 'keeper', secret: 'keeper-secret', grants: ['client_credentials'], roles: ['keeper'] },
    ...(more.clients ?? []),
  ];
  return {
    ...base,
    clients,
    roles: [...base.roles, { name: 'keeper', permissions: ['daypass:guests:manage'] }],
    ...overrides,
  };
}

export const ownRows = { col: 'tenant_id', op: 'eq', value: 'blue' };

export function grant(overrides: Record<string, unknown> = {}) {
  return {
    subject: { tenant: 'blue', id: 'u_42' },
    resources: [{ type: 'dashboard', id: 'dash-1', actions: ['view', 'filter'], rows: ownRows }],
    ...overrides,
  };
}

export function detail(overrides: Record<string, unknown> = {}) {
  return {
    type: 'embed_resource',
    identifier: 'dash-1',
    datatypes: ['dashboard'],
    actions: ['view', 'filter'],
    rows: ownRows,
    ...overrides,
  };
}

export const session = (overrides: Record<string, unknown> = {}) => ({
  type: 'embed_session',
  subject: { tenant: 'blue', id: 'u_42' },
  ...overrides,
});

type Server = { readonly issuer: (realm: string) => string };
type Credentials = readonly [string, string];
type CallOptions = {
  readonly auth?: Credentials;
  readonly headers?: Record<string, string>;
  readonly realm?: string;
};

/** A call of the JSON API; by `portal` unless it says otherwise. */
export async function call(
  server: Server,
  method: string,
  path: string,
  body?: unknown,
  { auth = portal, headers = {}, realm = 'acme' }: CallOptions = {},
): Promise<Answer> {
  const response = await fetch(`${server.issuer(realm)}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      authorization: basic(auth),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

export const mintGuest = (server: Server, body: unknown = grant(), options: CallOptions = {}) =>
  call(server, 'POST', '/guest-tokens', body, options);

type Endpoints = { endpoint(realm: string, name: string): string };

export function introspect(
  server: Endpoints,
  token: string,
  form: Record<string, string> = {},
  auth: Credentials = ['gateway', 'gateway-secret'],
): Promise<Answer> {
  return postForm(server.endpoint('acme', 'token/introspect'), { token, ...form }, { auth });
}

export async function ownToken(server: Endpoints, auth: Credentials = portal, form = {}): Promise<string> {
  const answer = await postForm(
    server.endpoint('acme', 'token'),
    { grant_type: 'client_credentials', ...form },
    { auth },
  );
  return answer.json.access_token;
}

/** For Daypass itself: with it the client calls the JSON API instead of with its secret. */
export function ownApiToken(server: Endpoints, auth: Credentials = portal): Promise<string> {
  return ownToken(server, auth, { resource: 'urn:daypass:admin' });
}

export type ExchangeForm = {
  readonly subject: string;
  readonly type?: string;
  readonly details?: unknown;
  readonly more?: Record<string, string>;
  readonly auth?: Credentials;
  readonly headers?: Record<string, string>;
};

export function exchange(server: Endpoints, options: ExchangeForm): Promise<Answer> {
  const { subject, type = ACCESS_TOKEN, details = [detail(), session()], more = {}, headers = {} } = options;
  return postForm(
    server.endpoint('acme', 'token'),
    {
      grant_type: EXCHANGE,
      subject_token: subject,
      subject_token_type: type,
      authorization_details: JSON.stringify(details),
      ...more,
    },
    { auth: options.auth ?? portal, headers },
  );
}

/** PATCHes a token until nobody else was faster: each of many at once leaves an event. */
export async function narrowAtLast(server: Server, id: string, change: object): Promise<Answer> {
  const answer = await call(server, 'PATCH', `/guest-tokens/${id}`, change);
  return answer.status === 409 ? narrowAtLast(server, id, change) : answer;
}

export function refreshGuest(
  server: Endpoints,
  token: string,
  options: {
    readonly auth?: Credentials;
    readonly headers?: Record<string, string>;
    readonly more?: Record<string, string>;
  } = { auth: portal },
): Promise<Answer> {
  return postForm(
    server.endpoint('acme', 'token'),
    { grant_type: 'refresh_token', refresh_token: token, ...options.more },
    options,
  );
}

export type ProofKey = { readonly privateKey: KeyObject; readonly jwk: JWK; readonly jkt: string };

export async function proofKey(): Promise<ProofKey> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  return { privateKey, jwk, jkt: await calculateJwkThumbprint(jwk) };
}

/** A DPoP proof (RFC 9449 §4.2), made now unless `iat` says otherwise. */
export function proof({ privateKey, jwk }: ProofKey, claims: Record<string, unknown>): Promise<string> {
  return new SignJWT({ jti: randomUUID(), iat: Math.floor(Date.now() / 1000), ...claims })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .sign(privateKey);
}

/** The clock of tokens, moved at will; the store keeps its own. */
export function movableClock() {
  let ahead = 0;
  const clock = () => Date.now() + ahead;
  const seconds = () => Math.floor(clock() / 1000);
  const adapt = (services: Services): Services => ({
    ...services,
    clock,
    guests: createGuests({ ...services, clock }),
  });
  return {
    adapt,
    seconds,
    forward: (seconds: number) => {
      ahead += seconds * 1000;
    },
  };
}

/** Stamps are finer than the times that a request can name: this one is after everything so far. */
export function nextMillisecond(): number {
  const now = Date.now();
  while (Date.now() === now);
  return now + 1;
}
