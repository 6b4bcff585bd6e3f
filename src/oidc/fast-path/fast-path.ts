/**
 * The fast path: introspection, service tokens and guest tokens by exchange, for clients that authenticate by secret,
 * answered without Koa and the protocol library. It answers only requests that are allowed and usual. Everything
 * unusual, wrong or refused is left to the library's path, which alone words errors.
 * `test/flows/fast-path-differential.test.ts` compares the answers, tokens and records of both paths.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { readForm } from '../../http/body.ts';
import { sendJson } from '../../http/failures.ts';
import { annotate, stateOf } from '../../http/request-state.ts';
import type { Client } from '../../registry/model/model.ts';
import { authenticateClient, isAuthenticated } from '../client-auth/authenticate.ts';
import { mayAttemptSecret } from '../client-auth/brute-force.ts';
import { credentialsOf, readPresented } from '../client-auth/presented.ts';
import { introspect } from '../endpoints/introspect.ts';
import { tokenExchangeGrant } from '../grants/token-exchange.ts';
import { formLimits } from '../http/form.ts';
import type { FindRemoteKeys } from '../library/remote-keys.ts';
import { paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { FastAnswer } from './answer.ts';
import { issueClientCredentials } from './client-credentials.ts';
import { exchangeForGuest } from './guest-exchange.ts';

/** Headers that change what an answer must be. */
const unusualHeaders = [
  'origin',
  'dpop',
  'oauth-client-attestation',
  'transfer-encoding',
  'content-encoding',
];
/** With any parameters: a form is read as UTF-8 whatever `charset` says, on both paths. */
const FORM_TYPE = /^application\/x-www-form-urlencoded[ \t]*(;|$)/i;

export type FastPathRequest = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Below the realm, without a query. */
  readonly path: string;
};

/** What only the library has. It is built when it is needed. */
export type Library = { readonly provider: () => Provider; readonly findRemoteKeys: FindRemoteKeys };

/** The fast path of a realm. It answers a request, or leaves it unchanged and resolves to `false`. */
export function createFastPath(realm: RealmContext, library: Library) {
  return (asked: FastPathRequest): Promise<boolean> => tryFastPath(realm, library, asked);
}

async function tryFastPath(realm: RealmContext, library: Library, asked: FastPathRequest): Promise<boolean> {
  const { request, response, path } = asked;
  if (!isUsual(request, path)) return false;
  const reading = await readForm(request, formLimits);
  if (!('form' in reading)) return false;
  const { form } = reading;
  const client = isPlain(form) ? await authenticated(realm, library, asked, form) : undefined;
  if (client === undefined) return false;
  stateOf(request).answeredBy = 'fast';
  const answer = await answerOf(realm, library.provider, { request, path, form, client });
  if (answer === undefined) return false;
  response.setHeader('Cache-Control', 'no-store');
  if (path === paths.token) response.setHeader('Pragma', 'no-cache');
  annotate(request, { client: client.id, outcome: 'ok' });
  for (const [name, field] of Object.entries(answer.headers ?? {})) response.setHeader(name, field);
  sendJson(response, 200, answer.body);
  return true;
}

function isUsual({ method, headers }: IncomingMessage, path: string): boolean {
  if (method !== 'POST' || (path !== paths.introspection && path !== paths.token)) return false;
  if (!FORM_TYPE.test(headers['content-type'] ?? '')) return false;
  return !unusualHeaders.some((name) => name in headers) && headers.accept?.includes('jwt') !== true;
}

/** Each parameter once, no client assertion, and a scope of valid characters (RFC 6749 §3.3). */
function isPlain(form: URLSearchParams): boolean {
  const scope = form.get('scope');
  return (
    new Set(form.keys()).size === form.size &&
    !form.has('client_assertion') &&
    (scope === null || scopes.test(scope))
  );
}

const scopes = /^[!#-[\]-~]+( [!#-[\]-~]+)*$/;

/** The client, if it is registered to send its secret and the secret is right. */
async function authenticated(
  realm: RealmContext,
  { findRemoteKeys }: Library,
  { request, path }: FastPathRequest,
  form: URLSearchParams,
): Promise<Client | undefined> {
  const credentials = credentialsOf(realm, request, { form, address: `${realm.issuer}${path}` });
  const presented = readPresented(credentials);
  // An assertion is spent when it is verified: the library could not verify it once more.
  if (presented.kind !== 'secret') return undefined;
  if (!realm.bruteForce.isQuiet() && !mayAttemptSecret(realm, request, presented.id)) return undefined;
  const outcome = await authenticateClient({ realm, findRemoteKeys }, credentials, presented);
  // A client that registered itself may have more in its metadata.
  return isAuthenticated(outcome) && outcome.client.registered === undefined ? outcome.client : undefined;
}

type Asked = {
  readonly request: IncomingMessage;
  readonly path: string;
  readonly form: URLSearchParams;
  readonly client: Client;
};

type Answered = Promise<FastAnswer | undefined>;

function answerOf(realm: RealmContext, provider: () => Provider, asked: Asked): Answered {
  return asked.path === paths.token ? token(realm, asked) : introspection(realm, provider, asked);
}

async function introspection(
  realm: RealmContext,
  provider: () => Provider,
  { request, form, client }: Asked,
): Answered {
  const value = form.get('token');
  if (!value || client.introspectionEncryptedResponseAlg !== undefined) return undefined;
  if (realm.profile.introspection.problemOfHint(form.get('token_type_hint') ?? '') !== undefined)
    return undefined;
  annotate(request, { route: 'introspection' });
  return { body: await introspect(realm, { req: request }, { client, isMutualTls: false, provider }, value) };
}

const grants: Readonly<Record<string, typeof exchangeForGuest>> = {
  client_credentials: issueClientCredentials,
  [tokenExchangeGrant.name]: exchangeForGuest,
};

async function token(realm: RealmContext, { request, form, client }: Asked): Answered {
  const grant = form.get('grant_type') ?? '';
  if (!Object.hasOwn(grants, grant)) return undefined;
  const answer = await grants[grant]?.(realm, client, form, request);
  if (answer === undefined) return undefined;
  annotate(request, { route: 'token', grant });
  realm.events.emit({ type: 'token.issued', realm: realm.name, path: 'fast', client: client.id, grant });
  return answer;
}
