/**
 * Authenticates a client outside the protocol's endpoints exactly as at the token endpoint. The library knows client
 * authentication only as a step of its routes; so it is asked by a revocation request of our own, with the caller's
 * credentials and a JWT of nobody: the library refuses JWTs there right after it has authenticated the client, before
 * it looks at the token. The request and its answer are never on the wire.
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Context } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { Failure } from '../../base/errors.ts';
import { annotate, beginRequest, stateOf } from '../../http/request-state.ts';
import { TooMany } from '../../limits/too-many.ts';
import { replayBody } from '../library/internals.ts';
import { paths } from '../realm/addresses.ts';

/** `{"alg":"none"}`, nothing, no signature. */
const JWT_OF_NOBODY = 'eyJhbGciOiJub25lIn0..';

export type AuthenticatedClient = { readonly id: string; readonly method: string };

type Inquiry = { client?: AuthenticatedClient };

const inquiries = new WeakMap<object, Inquiry>();

type Handle = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export type Credentials = {
  /** The request whose headers hold them. */
  readonly request: IncomingMessage;
  /** Whom a certificate is to be checked for. */
  readonly clientId?: string | undefined;
  /** Names of the headers that matter beside `Authorization`. */
  readonly headers: readonly string[];
};

/**
 * The client that these credentials prove, or `undefined`. Naming oneself proves nothing: public clients never are.
 * `Failure('unavailable')` when the store cannot be reached, `TooMany` for who has guessed too often.
 */
export async function authenticateClient(
  handle: Handle,
  issuer: string,
  credentials: Credentials,
): Promise<AuthenticatedClient | undefined> {
  const request = inquiryRequest(issuer, credentials);
  const response = new ServerResponse(request);
  const inquiry: Inquiry = {};
  inquiries.set(request, inquiry);
  await handle(request, response);
  const { wrong } = stateOf(request).annotations;
  if (wrong !== undefined) annotate(credentials.request, { wrong });
  if (response.statusCode === 429) {
    const retryAfter = Number(response.getHeader('Retry-After'));
    throw new TooMany('too many wrong tries, try again later', { retryAfter });
  }
  if (response.statusCode === 503) throw new Failure('unavailable', 'the service is busy, try again');
  if (response.statusCode >= 500) throw new Error('a client could not be authenticated');
  return inquiry.client?.method === 'none' ? undefined : inquiry.client;
}

/** To be called when the library has answered, with what it threw; `true` when there is nothing more to do. */
export function noteInquiry(ctx: Context & KoaContextWithOIDC, error: unknown): boolean {
  const inquiry = inquiries.get(ctx.req);
  const { client } = ctx.oidc;
  const isPast = error instanceof errors.OIDCProviderError && error.error === 'unsupported_token_type';
  if (inquiry === undefined || client === undefined || !isPast) return false;
  inquiry.client = { id: client.clientId, method: client.clientAuthMethod ?? 'none' };
  return true;
}

function inquiryRequest(issuer: string, { request, clientId, headers }: Credentials): IncomingMessage {
  const inquiry = new IncomingMessage(request.socket);
  beginRequest(inquiry, stateOf(request).id);
  const form = new URLSearchParams({ token: JWT_OF_NOBODY });
  if (clientId !== undefined) form.set('client_id', clientId);
  const body = Buffer.from(form.toString());
  inquiry.method = 'POST';
  inquiry.url = paths.revocation;
  for (const name of ['authorization', 'host', ...headers]) {
    const value = request.headers[name];
    if (value !== undefined && value !== '') inquiry.headers[name] = value;
  }
  inquiry.headers['content-type'] = 'application/x-www-form-urlencoded';
  inquiry.headers['content-length'] = String(body.length);
  Object.assign(inquiry, { originalUrl: `${new URL(issuer).pathname}${paths.revocation}` });
  replayBody(inquiry, body);
  return inquiry;
}
