/**
 * Limits wrong tries at the protocol's endpoints: client secrets, what public clients redeem, and user codes of
 * devices. A source with too many wrong tries gets 429 before anything is looked at.
 */
import type { IncomingMessage } from 'node:http';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { Context, Middleware } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { readBasic } from '../../http/basic.ts';
import { networkOfRequest } from '../../http/caller.ts';
import { annotate } from '../../http/request-state.ts';
import type { AttemptKind, AttemptSource } from '../../limits/brute-force.ts';
import { isGenerated } from '../../limits/generated.ts';
import { TooMany, waitFields } from '../../limits/too-many.ts';
import { isSecretOf } from '../../registry/model/client-secrets.ts';
import { formOf } from '../http/form.ts';
import { protocolStateOf } from '../http/protocol-state.ts';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import { codes, invalidGrant, REPLAYED_ASSERTION } from '../library/messages.ts';
import { addressOf, paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { UiPort, UserCodeProblem } from '../realm/ui-port.ts';
import { isUnauthenticated } from './client-errors.ts';

type Parts = { readonly realm: RealmContext; readonly ui: UiPort };

/** A credential that may be wrong. */
type Attempt = {
  readonly attemptSource: AttemptSource;
  readonly value: string;
  /** Whether it may be looked at although its source is blocked. Absent: it may not. */
  readonly isBeyondGuessing?: () => Promise<boolean>;
  readonly isWrong: (ctx: Context, thrown: unknown) => boolean | Promise<boolean>;
};

export function limitAttempts({ realm, ui }: Parts): Middleware {
  return async function limitAttempt(ctx, next) {
    const attempt = attemptOf(realm, ctx);
    if (attempt === undefined) return next();
    try {
      await admit(realm, attempt.attemptSource, attempt.isBeyondGuessing);
      await next();
      const { thrown } = protocolStateOf(ctx);
      noteWrongGrant(ctx, thrown);
      if (!(await attempt.isWrong(ctx, thrown))) return;
      annotate(ctx.req, { wrong: attempt.attemptSource.kind });
      await realm.bruteForce.wrong(attempt.attemptSource, attempt.value);
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
      annotate(ctx.req, { wrong: attempt.attemptSource.kind, outcome: 'too_many_requests' });
      refuse({ realm, ui }, ctx, error);
    }
  };
}

/** Rejects with `TooMany` for a blocked source, unless what it sends is beyond guessing. */
export async function admit(
  { bruteForce }: Pick<RealmContext, 'bruteForce'>,
  source: AttemptSource,
  isBeyondGuessing: () => Promise<boolean> = async () => false,
): Promise<void> {
  if (bruteForce.isBlocked(source) && !(await isBeyondGuessing())) bruteForce.admit(source);
}

/**
 * Whether a client's right secret is shown, and a generated one: whoever sends wrong ones from the same network does
 * not lock the client out. Of an assertion only the client's secret is judged here; the assertion is verified later.
 */
export async function isGeneratedSecretOf(
  realm: Pick<RealmContext, 'findClient' | 'clock'>,
  { id, secret }: Shown,
): Promise<boolean> {
  if (secret !== undefined && !isGenerated(secret)) return false;
  const client = await realm.findClient(id);
  return secret === undefined
    ? isGenerated(client?.secret ?? '')
    : isSecretOf(client ?? {}, secret, realm.clock());
}

/** False when the fast path must leave a request to the library's path, which refuses it. */
export function mayAttemptSecret(
  realm: Pick<RealmContext, 'name' | 'bruteForce'>,
  request: IncomingMessage,
  clientId: string,
): boolean {
  return !realm.bruteForce.isBlocked(attemptSourceOf(realm, request, 'client_secret', clientId));
}

function attemptOf(
  realm: Pick<RealmContext, 'name' | 'findClient' | 'clock'>,
  ctx: Context,
): Attempt | undefined {
  if (ctx.method !== 'POST') return undefined;
  if (isAt(ctx, paths.device)) {
    const value = formOf(ctx).get('user_code');
    if (!value) return undefined;
    return {
      attemptSource: attemptSourceOf(realm, ctx.req, 'user_code', ''),
      value,
      isWrong: (one) => protocolStateOf(one).isWrongUserCode === true,
    };
  }
  if (!authenticating.has(addressOf(ctx.path)?.path ?? '')) return undefined;
  const shown = secretShown(ctx);
  if (shown !== undefined) {
    return {
      attemptSource: attemptSourceOf(realm, ctx.req, 'client_secret', shown.id),
      value: shown.secret ?? formOf(ctx).get('client_assertion') ?? '',
      isBeyondGuessing: () => isGeneratedSecretOf(realm, shown),
      isWrong: async (one, thrown) => isWrongSecret(one, thrown) && !(await isOfDisabled(realm, shown)),
    };
  }
  return isAt(ctx, paths.token) ? attemptOfPublicClient(realm, ctx) : undefined;
}

/** The endpoints where clients authenticate. */
const authenticating: ReadonlySet<string> = new Set([
  paths.token,
  paths.introspection,
  paths.revocation,
  paths.logout,
  paths.deviceAuthorization,
  paths.pushedRequest,
  paths.backchannelAuthentication,
]);

function isAt({ path }: Context, address: string): boolean {
  return addressOf(path)?.path === address;
}

export function attemptSourceOf(
  { name }: Pick<RealmContext, 'name'>,
  request: IncomingMessage,
  kind: AttemptKind,
  target: string,
): AttemptSource {
  return { kind, realm: name, target, network: networkOfRequest(request) };
}

export type Shown = { readonly id: string; readonly secret?: string };

/** The client id that a secret is presented for, or an assertion that is made with one (RFC 7523 §2.2). */
function secretShown(ctx: Context): Shown | undefined {
  const form = formOf(ctx);
  const basic = readBasic(ctx.headers.authorization);
  // The library refuses what cannot be read before it looks at any secret.
  if (basic !== undefined) return basic === 'malformed' ? undefined : basic;
  const secret = form.get('client_secret');
  if (secret !== null) return { id: form.get('client_id') ?? '', secret };
  const id = idOfAssertion(form.get('client_assertion') ?? '');
  return id === undefined ? undefined : { id };
}

function idOfAssertion(assertion: string): string | undefined {
  try {
    if (decodeProtectedHeader(assertion).alg?.startsWith('HS') !== true) return undefined;
    return decodeJwt(assertion).sub;
  } catch {
    return undefined;
  }
}

function isWrongSecret(ctx: Context, thrown: unknown): boolean {
  return (
    hasOidcContext(ctx) &&
    thrown instanceof errors.OIDCProviderError &&
    thrown.error_detail !== REPLAYED_ASSERTION &&
    // The operator's file is at fault, and no secret was looked at.
    thrown.error !== 'invalid_client_metadata' &&
    isUnauthenticated(ctx, thrown)
  );
}

/** The secret was right, but the client is disabled: a service that goes on asking makes no wrong try. */
async function isOfDisabled(
  realm: Pick<RealmContext, 'findClient' | 'clock'>,
  { id, secret }: Shown,
): Promise<boolean> {
  const client = secret === undefined ? undefined : await realm.findClient(id);
  return client?.enabled === false && isSecretOf(client, secret ?? '', realm.clock());
}

/** The parameter that each grant redeems. */
const redeeming: ReadonlyMap<string, string> = new Map([
  ['authorization_code', 'code'],
  ['refresh_token', 'refresh_token'],
  ['urn:ietf:params:oauth:grant-type:device_code', 'device_code'],
]);

/**
 * A public client has nothing else to prove than what it redeems. Confidential clients are not limited here:
 * strangers who send codes through them would lock out the people behind them.
 */
function attemptOfPublicClient(realm: Pick<RealmContext, 'name'>, ctx: Context): Attempt | undefined {
  const form = formOf(ctx);
  const redeemed = redeeming.get(form.get('grant_type') ?? '');
  if (redeemed === undefined || form.has('client_assertion')) return undefined;
  const attemptSource = attemptSourceOf(realm, ctx.req, 'grant', form.get('client_id') ?? '');
  return {
    attemptSource,
    value: form.get(redeemed) ?? '',
    // Codes and tokens are generated: a right one is never refused.
    isBeyondGuessing: async () => true,
    isWrong: (one, thrown) => isWrongGrant(thrown) && hasOidcContext(one) && isPublic(one),
  };
}

function isPublic(ctx: KoaContextWithOIDC): boolean {
  return ctx.oidc.client?.clientAuthMethod === 'none';
}

const unknownGrants: ReadonlySet<unknown> = new Set([
  invalidGrant.noRefreshToken,
  ...Object.values(codes).map((code) => invalidGrant.noCode.fill(code)),
]);

/**
 * True only for a code or token that never existed or was deleted long ago, not for one that expired, was spent or
 * belongs to somebody else.
 */
function isWrongGrant(thrown: unknown): boolean {
  return thrown instanceof errors.InvalidGrant && unknownGrants.has(thrown.error_detail);
}

/** Noted for every client, for the log and the metrics. */
function noteWrongGrant(ctx: Context, thrown: unknown): void {
  if (isWrongGrant(thrown)) annotate(ctx.req, { wrong: 'grant' });
}

const wrongCodeProblems: ReadonlySet<UserCodeProblem | undefined> = new Set(['unknown', 'expired', 'used']);

/** To be called with the problem of a user code that was typed: the library shows it without an event. */
export function noteUserCode(ctx: Pick<Context, 'req'>, problem: UserCodeProblem | undefined): void {
  if (wrongCodeProblems.has(problem)) protocolStateOf(ctx).isWrongUserCode = true;
}

/** The same for a client that exists and for one that does not. */
function refuse({ realm, ui }: Parts, ctx: Context, error: TooMany): void {
  ctx.status = 429;
  ctx.remove('WWW-Authenticate');
  ctx.set({ ...waitFields(error) });
  const out = { error: 'too_many_requests', error_description: error.message };
  if (isAt(ctx, paths.device)) ui.refused(ctx, realm, out);
  else ctx.body = out;
}
