/**
 * Everything that reaches into the library's models: methods of classes that are public as `provider.X`, overridden
 * because no option exists. `test/conformance/oidc-internals.test.ts` fails when an upgrade moves one of them.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  type AccessToken,
  type Client,
  type ClientCredentials,
  type KoaContextWithOIDC,
  Provider,
  type RefreshToken,
} from 'oidc-provider';
import { newValue, successorOf } from '../tokens/values.ts';

type Payload = Record<string, unknown>;
type Value = { value: string; payload?: Payload };
type Model = { jti: string; format?: string; kind: string };
type Prototype = {
  generateTokenId(this: Model): string;
  getValueAndPayload(this: Model): Promise<Value>;
};

/** The claims of a JWT access token as they were signed, by the token they belong to. */
const signedClaims = new WeakMap<object, Payload>();

/** To be called by the library's JWT customizer: what is about to be signed. */
export function noteSignedClaims(token: AccessToken | ClientCredentials, claims: Payload): void {
  signedClaims.set(token, claims);
}

export type InternalsOptions = {
  /** The realm's secret. */
  readonly secret: Buffer;
  /** The value that a presented refresh token stands for (refresh-shape.ts). */
  refreshValueOf(presented: string): string;
  /** What a client calls a session. */
  sessionIdFor(uid: string, clientId: string): string;
  /** Runs after a session has ended, before the answer. */
  sessionEnded(uid: string): Promise<void>;
  /** True when this `jti` of this issuer was not seen before, decided in one atomic step. */
  isFirstUse(issuer: string, jti: string, expiresAt: number): Promise<boolean>;
};

export function adjustModels(provider: Provider, options: InternalsOptions): void {
  prefixValues(provider, options);
  recordJwts(provider.AccessToken.prototype as unknown as Prototype);
  recordJwts(provider.ClientCredentials.prototype as unknown as Prototype);
  keepRequestedClaims(provider);
  endSessions(provider, options);
  nameSessions(provider, options);
  decideReplaysAtomically(provider, options);
}

function prefixValues(provider: Provider, options: InternalsOptions): void {
  for (const model of [provider.AccessToken, provider.ClientCredentials]) {
    const prototype = model.prototype as unknown as Prototype;
    const original = prototype.generateTokenId;
    prototype.generateTokenId = function generateAccessTokenId(this: Model): string {
      const id = original.call(this); // also settles the token's format
      return this.format === 'jwt' ? id : newValue('access');
    };
  }
  const refresh = provider.RefreshToken.prototype as unknown as Prototype;
  refresh.generateTokenId = function generateRefreshTokenId(): string {
    const spent = Provider.ctx?.oidc.entities.RotatedRefreshToken;
    if (spent === undefined) return newValue('refresh');
    return successorOf(options.refreshValueOf(spent.jti), options.secret);
  };
  const grant = provider.Grant.prototype as unknown as Prototype;
  grant.generateTokenId = () => randomBytes(16).toString('base64url');
}

/** The library keeps no record of a JWT; we file one under the hash of its value, so that it can be revoked. */
function recordJwts(prototype: Prototype): void {
  const original = prototype.getValueAndPayload;
  prototype.getValueAndPayload = async function getRecordedValue(this: Model): Promise<Value> {
    const result = await original.call(this);
    if (result.payload !== undefined) return result;
    const claims = signedClaims.get(this) ?? {};
    const model = this as { constructor: { IN_PAYLOAD?: readonly string[] } };
    const payload: Payload = {};
    for (const name of model.constructor.IN_PAYLOAD ?? []) payload[name] = Reflect.get(this, name);
    const signed = { iat: claims['iat'], exp: claims['exp'], jwtId: claims['jti'], jwt: result.value };
    return { value: result.value, payload: { ...payload, ...signed } };
  };
}

/**
 * Of tokens that have an audience the library forgets what the `claims` parameter asked of userinfo (OIDC Core §5.5);
 * here all of them have one.
 */
function keepRequestedClaims(provider: Provider): void {
  const prototype = provider.AccessToken.prototype as unknown as Prototype & { claims?: object };
  const original = prototype.getValueAndPayload;
  prototype.getValueAndPayload = function getPayloadWithClaims(this: typeof prototype & Model) {
    const { AuthorizationCode, RefreshToken, DeviceCode, BackchannelAuthenticationRequest } =
      Provider.ctx?.oidc.entities ?? {};
    const source = AuthorizationCode ?? RefreshToken ?? DeviceCode ?? BackchannelAuthenticationRequest;
    const userinfo = source?.claims?.userinfo;
    if (userinfo !== undefined) this.claims ??= { userinfo };
    return original.call(this);
  };
}

function endSessions(provider: Provider, options: InternalsOptions): void {
  const prototype = provider.Session.prototype as unknown as { uid: string; destroy(): Promise<void> };
  const original = prototype.destroy;
  prototype.destroy = async function destroySession(this: typeof prototype): Promise<void> {
    await original.call(this);
    await options.sessionEnded(this.uid);
  };
}

function nameSessions(provider: Provider, options: InternalsOptions): void {
  const prototype = provider.Session.prototype;
  prototype.ensureClientContainer = function nameSession(clientId: string): void {
    this.sidFor(clientId, options.sessionIdFor(this.uid, clientId));
  };
}

function decideReplaysAtomically(provider: Provider, options: InternalsOptions): void {
  const model = provider.ReplayDetection as unknown as { unique: InternalsOptions['isFirstUse'] };
  model.unique = options.isFirstUse;
}

type Polled = {
  readonly isExpired: boolean;
  readonly error?: string | undefined;
  readonly accountId?: string | undefined;
  readonly grantId?: string | undefined;
};
type PolledModel = { find(value: string, ...options: unknown[]): Promise<Polled | undefined> };

/** Calls `onPending` whenever a client polls for what a person has not decided yet (RFC 8628 §3.4, CIBA Core §10.1). */
export function watchPolls(provider: Provider, onPending: (value: string) => Promise<void>): void {
  for (const name of ['DeviceCode', 'BackchannelAuthenticationRequest'] as const) {
    const model = provider[name] as unknown as PolledModel;
    const original = model.find;
    model.find = async function findPolled(value, ...options) {
      const found = await original.call(model, value, ...options);
      // A request of CIBA knows its person from the start; the grant comes with the answer.
      const isOpen = name === 'DeviceCode' ? found?.accountId === undefined : found?.grantId === undefined;
      const isPending = found !== undefined && isOpen && !found.isExpired && found.error === undefined;
      if (isPending && Provider.ctx?.oidc.route === 'token') await onPending(value);
      return found;
    };
  }
}

/** Posts a logout token (OIDC Back-Channel Logout §2.4) to a client. Rejects when it does not answer 200 or 204. */
export async function sendLogoutToken(
  client: Client,
  userId: string,
  sid: string | undefined,
): Promise<void> {
  const { backchannelLogout } = client as { backchannelLogout?: unknown };
  if (typeof backchannelLogout !== 'function') throw new Error('the library sends no logout tokens');
  await backchannelLogout.call(client, userId, sid);
}

/** Gives a body that was read already to whoever reads the request next: the library iterates over it. */
export function replayBody(request: IncomingMessage, body: Buffer): void {
  Object.defineProperties(request, {
    readable: { value: true, configurable: true },
    iterator: { value: () => once(body), configurable: true },
  });
}

async function* once(body: Buffer): AsyncGenerator<Buffer> {
  yield body;
}

/** An RFC 9701 answer for the authenticated caller: `aud` is the caller (§5), the answer is in `token_introspection`. */
export function issueIntrospectionJwt(ctx: KoaContextWithOIDC, answer: object): Promise<string> {
  const token = new ctx.oidc.provider.IdToken({}, { ctx });
  token.set('token_introspection', answer);
  // The library's types name only the uses that have an audience of their own.
  return token.issue({ use: 'introspection' } as unknown as Parameters<typeof token.issue>[0]);
}

/** A refresh token that its client keeps lives on with each use, up to its absolute end. */
export async function renewRefreshToken(
  ctx: KoaContextWithOIDC,
  token: RefreshToken,
  now: number,
): Promise<void> {
  const model = ctx.oidc.provider.RefreshToken as unknown as {
    expiresIn(ctx: KoaContextWithOIDC, token: RefreshToken, client: unknown): number;
  };
  const seconds = model.expiresIn(ctx, token, ctx.oidc.client);
  Reflect.set(token, 'exp', now + seconds);
  await token.save();
}
