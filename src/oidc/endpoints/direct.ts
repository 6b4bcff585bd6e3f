/**
 * The two requests that services make all day, answered without the library's general machinery: introspection and
 * client credentials by a client with a plain secret, with nothing unusual about them. Whatever is unusual, wrong or
 * refused goes the long way, so that errors and everything else have one place. `test/flows/direct.test.ts` holds
 * both ways against each other.
 */
import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';
import { equalInConstantTime } from '../../base/hash.ts';
import { readBody } from '../../base/read-body.ts';
import { annotate } from '../../observability/annotations.ts';
import type { Client } from '../../registry/model.ts';
import { replayBody } from '../internals.ts';
import type { RealmContext } from '../realm-context.ts';
import { paths } from './addresses.ts';
import { keepForm, MAX_BODY_BYTES, refuseLargeBody } from './body.ts';
import { issueDirectly } from './direct-token.ts';
import { problemOfHint } from './forms.ts';
import { mayShowSecret } from './guessing.ts';
import { introspect } from './introspect.ts';

/** Headers that change what an answer must be. */
const unusualHeaders = [
  'origin',
  'dpop',
  'oauth-client-attestation',
  'transfer-encoding',
  'content-encoding',
];
const FORM = 'application/x-www-form-urlencoded';

/** Answers a request, or leaves it as it came and resolves to `false`. */
export async function answerDirectly(
  realm: RealmContext,
  provider: Provider,
  ctx: Context,
  path: string,
): Promise<boolean> {
  if (!isUsual(ctx, path)) return false;
  const body = await readBody(ctx.req, MAX_BODY_BYTES);
  if (body === undefined) {
    refuseLargeBody(ctx);
    return true;
  }
  const form = new URLSearchParams(body.toString('utf8'));
  const client = isPlain(form) ? await authenticated(realm, ctx, form) : undefined;
  const answer = client && (await answerOf(realm, provider, { ctx, path, form, client }));
  if (client === undefined || answer === undefined) {
    replayBody(ctx.req, body);
    return false;
  }
  ctx.set('Cache-Control', 'no-store');
  if (path === paths.token) ctx.set('Pragma', 'no-cache');
  ctx.body = answer;
  annotate(ctx.req, { client: client.id, outcome: 'ok' });
  return true;
}

function isUsual(ctx: Context, path: string): boolean {
  if (ctx.method !== 'POST' || (path !== paths.introspection && path !== paths.token)) return false;
  const { headers } = ctx.req;
  if (headers['content-type']?.toLowerCase() !== FORM || ctx.search !== '') return false;
  return !unusualHeaders.some((name) => name in headers) && headers.accept?.includes('jwt') !== true;
}

/** Each parameter once, and none that proves a client in another way. */
function isPlain(form: URLSearchParams): boolean {
  return new Set(form.keys()).size === form.size && !form.has('client_assertion');
}

/** The client, if its registered way is a secret and the secret is right. */
async function authenticated(
  realm: RealmContext,
  ctx: Context,
  form: URLSearchParams,
): Promise<Client | undefined> {
  const shown = shownSecret(ctx.req.headers.authorization, form);
  // Who guesses learns nothing, and gets an answer the long way.
  if (shown === undefined || !mayShowSecret(realm, ctx, shown.id)) return undefined;
  const client = await realm.findClient(shown.id);
  if (client?.secret === undefined || !client.enabled || !usesPlainSecret(client)) return undefined;
  return equalInConstantTime(client.secret, shown.secret) ? client : undefined;
}

function usesPlainSecret({ tokenEndpointAuthMethod = 'client_secret_basic', ...client }: Client): boolean {
  const isSecretMethod = ['client_secret_basic', 'client_secret_post'].includes(tokenEndpointAuthMethod);
  // What registered itself may have said more in its metadata.
  return isSecretMethod && client.public !== true && client.registered === undefined;
}

type Shown = { readonly id: string; readonly secret: string };

function shownSecret(header: string | undefined, form: URLSearchParams): Shown | undefined {
  const [id, secret] = [form.get('client_id'), form.get('client_secret')];
  if (header === undefined) return id && secret ? { id, secret } : undefined;
  const shown = secret === null ? basicSecret(header) : undefined;
  return id === null || id === shown?.id ? shown : undefined;
}

/** RFC 6749 §2.3.1, and nothing that is only nearly it. */
function basicSecret(header: string): Shown | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/.exec(header)?.[1];
  if (encoded === undefined || encoded.length % 4 !== 0) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  // Encoded characters are the library's to decode.
  if (colon < 1 || !/^[\x21-\x7e]+$/.test(pair) || /[%+]/.test(pair)) return undefined;
  return { id: pair.slice(0, colon), secret: pair.slice(colon + 1) };
}

type Asked = {
  readonly ctx: Context;
  readonly path: string;
  readonly form: URLSearchParams;
  readonly client: Client;
};

function answerOf(realm: RealmContext, provider: Provider, asked: Asked): Promise<object | undefined> {
  return asked.path === paths.token ? token(realm, asked) : introspection(realm, provider, asked);
}

async function introspection(
  realm: RealmContext,
  provider: Provider,
  { ctx, form, client }: Asked,
): Promise<object | undefined> {
  const value = form.get('token');
  if (!value || client.introspectionEncryptedResponseAlg !== undefined) return undefined;
  if (problemOfHint(realm, form) !== undefined) return undefined;
  keepForm(ctx, form);
  annotate(ctx.req, { route: 'introspection' });
  return introspect(realm, ctx, { client, isMutualTls: false, provider }, value);
}

async function token(realm: RealmContext, { ctx, form, client }: Asked): Promise<object | undefined> {
  if (form.get('grant_type') !== 'client_credentials') return undefined;
  const issued = await issueDirectly(realm, client, form);
  if (issued !== undefined) annotate(ctx.req, { route: 'token', grant: 'client_credentials' });
  return issued;
}
