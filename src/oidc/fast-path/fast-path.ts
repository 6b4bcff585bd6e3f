/**
 * The two requests that services make all day, answered without the library's general machinery: introspection and
 * client credentials by a client with a plain secret, with nothing unusual about them. Whatever is unusual, wrong or
 * refused goes the long way, so that errors and everything else have one place. `test/flows/direct.test.ts` holds
 * both ways against each other.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import { type BasicCredentials, readBasic } from '../../http/basic.ts';
import { readForm } from '../../http/body.ts';
import { annotate, stateOf } from '../../http/request-state.ts';
import { sendJson } from '../../http/send-json.ts';
import { isSecretOf } from '../../registry/model/client-secrets.ts';
import type { Client } from '../../registry/model/model.ts';
import { mayAttemptSecret } from '../client-auth/brute-force.ts';
import { introspect } from '../endpoints/introspect.ts';
import { tokenExchangeGrant } from '../grants/token-exchange.ts';
import { formLimits } from '../http/form.ts';
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
const FORM = 'application/x-www-form-urlencoded';

export type FastPathRequest = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Below the realm, without a query. */
  readonly path: string;
};

/** Answers a request, or leaves it as it came and resolves to `false`. */
export async function tryFastPath(
  realm: RealmContext,
  provider: () => Provider,
  { request, response, path }: FastPathRequest,
): Promise<boolean> {
  if (!isUsual(request, path)) return false;
  const reading = await readForm(request, formLimits);
  if (!('form' in reading)) return false;
  const { form } = reading;
  const client = isPlain(form) ? await authenticated(realm, request, form) : undefined;
  const answer = client && (await answerOf(realm, provider, { request, path, form, client }));
  if (client === undefined || answer === undefined) return false;
  response.setHeader('Cache-Control', 'no-store');
  if (path === paths.token) response.setHeader('Pragma', 'no-cache');
  stateOf(request).answeredBy = 'fast';
  annotate(request, { client: client.id, outcome: 'ok' });
  for (const [name, field] of Object.entries(answer.headers ?? {})) response.setHeader(name, field);
  sendJson(response, 200, answer.body);
  return true;
}

function isUsual({ method, headers }: IncomingMessage, path: string): boolean {
  if (method !== 'POST' || (path !== paths.introspection && path !== paths.token)) return false;
  if (headers['content-type']?.toLowerCase() !== FORM) return false;
  return !unusualHeaders.some((name) => name in headers) && headers.accept?.includes('jwt') !== true;
}

/** Each parameter once, none that proves a client in another way, and no scope that is not one (RFC 6749 §3.3). */
function isPlain(form: URLSearchParams): boolean {
  const scope = form.get('scope');
  return (
    new Set(form.keys()).size === form.size &&
    !form.has('client_assertion') &&
    (scope === null || scopes.test(scope))
  );
}

const scopes = /^[!#-[\]-~]+( [!#-[\]-~]+)*$/;

/** The client, if its registered way is a secret and the secret is right. */
async function authenticated(
  realm: RealmContext,
  request: IncomingMessage,
  form: URLSearchParams,
): Promise<Client | undefined> {
  const shown = shownSecret(request.headers.authorization, form);
  // Who guesses learns nothing, and gets an answer the long way.
  if (shown === undefined || !mayAttemptSecret(realm, { req: request }, shown.id)) return undefined;
  const client = await realm.findClient(shown.id);
  if (client?.secret === undefined || !client.enabled || !usesPlainSecret(client)) return undefined;
  return isSecretOf(client, shown.secret, realm.clock()) ? client : undefined;
}

const secretMethods: readonly string[] = ['client_secret_basic', 'client_secret_post'];

function usesPlainSecret(client: Client): boolean {
  const isSecretMethod = secretMethods.includes(client.tokenEndpointAuthMethod ?? 'client_secret_basic');
  // What registered itself may have said more in its metadata.
  return isSecretMethod && client.public !== true && client.registered === undefined;
}

function shownSecret(header: string | undefined, form: URLSearchParams): BasicCredentials | undefined {
  const [id, secret] = [form.get('client_id'), form.get('client_secret')];
  if (header === undefined) return id && secret ? { id, secret } : undefined;
  const shown = secret === null ? readBasic(header) : undefined;
  if (shown === undefined || shown === 'malformed' || shown.secret === '') return undefined;
  return id === null || id === shown.id ? shown : undefined;
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
  if (answer !== undefined) annotate(request, { route: 'token', grant });
  return answer;
}
