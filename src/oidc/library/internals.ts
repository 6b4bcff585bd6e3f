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
import { setBody } from '../../http/body.ts';
import type { TokenRecord } from '../../tokens/record.ts';
import { newValue, successorOf } from '../../tokens/values.ts';
import { claimedTypes, isIdToken } from './jwt-kinds.ts';

type Payload = Record<string, unknown>;
type Value = { value: string; payload?: Payload };
type Token = { readonly jti: string; readonly format?: string | undefined };

type Method<This, Args extends readonly unknown[], Result> = (this: This, ...args: Args) => Result;

/** A method that the library's types leave out. Throws when an upgrade has moved it: then no provider is made. */
export function methodOf<This, Args extends readonly unknown[], Result>(
  owner: object,
  name: string,
): Method<This, Args, Result> {
  const method: unknown = Reflect.get(owner, name);
  if (typeof method !== 'function') throw new Error(`the library has no ${name}`);
  return method as Method<This, Args, Result>;
}

/** Replaces a method of the library by ours, which is given the original. */
function override<This, Args extends readonly unknown[], Result>(
  owner: object,
  name: string,
  make: (original: Method<This, Args, Result>) => Method<This, Args, Result>,
): void {
  Reflect.set(owner, name, make(methodOf(owner, name)));
}

/** The claims of a JWT access token as they were signed, by the token that they belong to. */
const signedClaims = new WeakMap<object, Payload>();

/** To be called from the library's JWT customizer, with the claims that are about to be signed. */
export function noteSignedClaims(token: AccessToken | ClientCredentials, claims: Payload): void {
  signedClaims.set(token, claims);
}

export type InternalsOptions = {
  /** The realm's secret. */
  readonly secret: Buffer;
  /** What a presented refresh token is stored under (refresh-shape.ts). */
  refreshHashOf(presented: string): string;
  /** What a client calls a session. */
  sessionIdFor(uid: string, clientId: string): string;
  /** Runs after a session has ended, before the answer. */
  sessionEnded(uid: string): Promise<void>;
  /** True for the secret that a client had before, as long as it counts. */
  isPreviousSecret(clientId: string, given: string): Promise<boolean>;
  /** True when this `jti` of this issuer was not seen before, decided in one atomic step. */
  isFirstUse(issuer: string, jti: string, expiresAt: number): Promise<boolean>;
  /** The members of a refresh token's record that the library knows nothing of. */
  refreshExtras(ctx: KoaContextWithOIDC): Payload;
  /** Sends a logout token to a client; each `send` makes a new one and rejects when it does not arrive. */
  tellOfLogout(notice: { readonly clientId: string; send(): Promise<void> }): void;
};

export function adjustModels(provider: Provider, options: InternalsOptions): void {
  markJwts(provider);
  keepExchangeMembers(provider);
  prefixValues(provider, options);
  recordJwts(provider.AccessToken);
  recordJwts(provider.ClientCredentials);
  keepRequestedClaims(provider);
  extendRefreshTokens(provider, options);
  endSessions(provider, options);
  nameSessions(provider, options);
  decideReplaysAtomically(provider, options);
  tellInBackground(provider, options);
  acceptPreviousSecrets(provider, options);
}

type Issuing = { set(name: string, value: unknown): void };
type Use = { readonly use?: string };
type Decoded = Parameters<typeof isIdToken>[0];

/** ID tokens say what they are, and nothing else counts as a hint: a signed userinfo answer has the same claims. */
function markJwts(provider: Provider): void {
  override<Issuing, [Use], Promise<string>>(provider.IdToken.prototype, 'issue', (original) => {
    return function issueMarked(options) {
      const kind = claimedTypes[options.use ?? ''];
      if (kind !== undefined) this.set('typ', kind);
      return original.call(this, options);
    };
  });
  override<unknown, [string, Client], Promise<Decoded>>(provider.IdToken, 'validate', (original) => {
    return async function validateMarked(value, client) {
      const decoded = await original.call(this, value, client);
      if (!isIdToken(decoded)) throw new Error('the JWT is no ID token');
      return decoded;
    };
  });
}

function prefixValues(provider: Provider, options: InternalsOptions): void {
  for (const { prototype } of [provider.AccessToken, provider.ClientCredentials]) {
    override<Token, [], string>(prototype, 'generateTokenId', (original) => {
      return function generateAccessTokenId() {
        const id = original.call(this); // also settles the token's format
        return this.format === 'jwt' ? id : newValue('access');
      };
    });
  }
  override<Token, [], string>(provider.RefreshToken.prototype, 'generateTokenId', () => {
    return function generateRefreshTokenId() {
      const spent = Provider.ctx?.oidc.entities.RotatedRefreshToken;
      if (spent === undefined) return newValue('refresh');
      return successorOf(options.refreshHashOf(spent.jti), options.secret);
    };
  });
  override<Token, [], string>(
    provider.Grant.prototype,
    'generateTokenId',
    () => () => randomBytes(16).toString('base64url'),
  );
}

/** What the record of a token by exchange has besides the members that the library knows (tokens/record.ts). */
export type ExchangeMembers = Pick<TokenRecord, 'subject' | 'under'>;

/** Adds members that the model keeps, to be called before the first token is made. */
function keepExchangeMembers(provider: Provider): void {
  for (const model of [provider.AccessToken, provider.ClientCredentials]) {
    const members = [...model.IN_PAYLOAD, 'subject', 'under'];
    Object.defineProperty(model, 'IN_PAYLOAD', { get: () => members, configurable: true });
  }
}

export function setExchangeMembers(token: AccessToken | ClientCredentials, members: ExchangeMembers): void {
  Object.assign(token, members);
}

/** The client that a token is about, if that is not the one it is issued to. */
export function exchangedSubjectOf(token: AccessToken | ClientCredentials): string | undefined {
  const subject: unknown = Reflect.get(token, 'subject');
  return typeof subject === 'string' ? subject : undefined;
}

type TokenModel = { readonly prototype: object; readonly IN_PAYLOAD: readonly string[] };

/** The library keeps no record of a JWT. We store one under the hash of its value, so that it can be revoked. */
function recordJwts({ prototype, IN_PAYLOAD }: TokenModel): void {
  override<Token, [], Promise<Value>>(prototype, 'getValueAndPayload', (original) => {
    return async function getRecordedValue() {
      const result = await original.call(this);
      if (result.payload !== undefined) return result;
      const claims = signedClaims.get(this) ?? {};
      const payload: Payload = {};
      for (const name of IN_PAYLOAD) payload[name] = Reflect.get(this, name);
      const signed = { iat: claims['iat'], exp: claims['exp'], jwtId: claims['jti'], jwt: result.value };
      return { value: result.value, payload: { ...payload, ...signed } };
    };
  });
}

/**
 * For a token with an audience the library drops what the `claims` parameter asked of userinfo (OIDC Core §5.5). Here
 * all tokens have an audience, so it is kept.
 */
function keepRequestedClaims(provider: Provider): void {
  override<AccessToken, [], Promise<Value>>(
    provider.AccessToken.prototype,
    'getValueAndPayload',
    (original) => {
      return function getPayloadWithClaims() {
        const { AuthorizationCode, RefreshToken, DeviceCode, BackchannelAuthenticationRequest } =
          Provider.ctx?.oidc.entities ?? {};
        const source = AuthorizationCode ?? RefreshToken ?? DeviceCode ?? BackchannelAuthenticationRequest;
        const userinfo = source?.claims?.userinfo;
        if (userinfo !== undefined) this.claims ??= { userinfo };
        return original.call(this);
      };
    },
  );
}

function extendRefreshTokens(provider: Provider, options: InternalsOptions): void {
  override<RefreshToken, [], Promise<Value>>(
    provider.RefreshToken.prototype,
    'getValueAndPayload',
    (original) => {
      return async function getExtendedPayload() {
        const result = await original.call(this);
        if (Provider.ctx === undefined) return result;
        return { ...result, payload: { ...result.payload, ...options.refreshExtras(Provider.ctx) } };
      };
    },
  );
}

function endSessions(provider: Provider, options: InternalsOptions): void {
  const { prototype } = provider.Session;
  const original = prototype.destroy;
  prototype.destroy = async function destroySession(): Promise<void> {
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
  provider.ReplayDetection.unique = options.isFirstUse;
}

/** Both secrets are compared, whichever is right. */
function acceptPreviousSecrets(provider: Provider, options: InternalsOptions): void {
  type Compare = boolean | Promise<boolean>;
  override<Client, [string], Compare>(provider.Client.prototype, 'compareClientSecret', (original) => {
    return async function compareSecrets(given) {
      const isCurrent = await original.call(this, given);
      const isPrevious = await options.isPreviousSecret(this.clientId, given);
      return isCurrent || isPrevious;
    };
  });
}

type LogoutNotice = [userId: string, sid: string | undefined];

/**
 * The library lets the person wait for the servers of all clients, and tries each of them once; we notify in the
 * background.
 */
function tellInBackground(provider: Provider, options: InternalsOptions): void {
  override<Client, LogoutNotice, Promise<void>>(
    provider.Client.prototype,
    'backchannelLogout',
    (original) => {
      return async function notifyOfLogout(...notice) {
        options.tellOfLogout({ clientId: this.clientId, send: () => original.call(this, ...notice) });
      };
    },
  );
}

/** Notifies a client that asked for it that a session of this user has ended (OIDC Back-Channel Logout §2.5). */
export async function tellClient(client: Client, ...notice: LogoutNotice): Promise<void> {
  if (client.backchannelLogoutUri === undefined) return;
  await methodOf<Client, LogoutNotice, Promise<void>>(client, 'backchannelLogout').call(client, ...notice);
}

type Polled = {
  readonly isExpired: boolean;
  readonly error?: string | undefined;
  readonly accountId?: string | undefined;
  readonly grantId?: string | undefined;
};
type FindPolled = [value: string, ...options: unknown[]];

/** Calls `onPending` when a client polls for a decision that is still pending (RFC 8628 §3.4, CIBA Core §10.1). */
export function watchPolls(provider: Provider, onPending: (value: string) => Promise<void>): void {
  for (const name of ['DeviceCode', 'BackchannelAuthenticationRequest'] as const) {
    override<unknown, FindPolled, Promise<Polled | undefined>>(provider[name], 'find', (original) => {
      return async function findPolled(value, ...options) {
        const found = await original.call(this, value, ...options);
        // A CIBA request has its account from the start; the grant comes with the decision.
        const isOpen = name === 'DeviceCode' ? found?.accountId === undefined : found?.grantId === undefined;
        const isPending = found !== undefined && isOpen && !found.isExpired && found.error === undefined;
        if (isPending && Provider.ctx?.oidc.route === 'token') await onPending(value);
        return found;
      };
    });
  }
}

/** Gives a body to whoever reads the request next: we by `readBody`, the library by iterating over it. */
export function replayBody(request: IncomingMessage, body: Buffer): void {
  setBody(request, body);
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
  return token.issue({ use: 'introspection' });
}

/** A refresh token that does not rotate is extended with each use, up to its absolute end. */
export async function renewRefreshToken(
  ctx: KoaContextWithOIDC,
  token: RefreshToken,
  now: number,
): Promise<void> {
  type Life = [KoaContextWithOIDC, RefreshToken, Client | undefined];
  const expiresIn = methodOf<unknown, Life, number>(ctx.oidc.provider.RefreshToken, 'expiresIn');
  const seconds = expiresIn.call(ctx.oidc.provider.RefreshToken, ctx, token, ctx.oidc.client);
  Reflect.set(token, 'exp', now + seconds);
  await token.save();
}
