import type { Context, Middleware } from 'koa';
import { readBasic } from '../../http/basic.ts';
import { authMethodOf } from '../../registry/model/auth-method.ts';
import { formOf, replaceForm } from '../http/form.ts';
import type { RealmContext } from '../realm/realm-context.ts';

type Realm = Pick<RealmContext, 'profile' | 'findClient'>;

/**
 * A client without a secret may send an empty one with its name (RFC 6749 §2.3.1: it may be left out), and a public client
 * where the profile says so any: the library would refuse the request. It is handed over as if only the name had come.
 */
export function takeClientByName(realm: Realm): Middleware {
  return async function takeByName(ctx, next) {
    const shown = secretShown(ctx);
    if (shown !== undefined && (await mayNameItself(realm, shown))) nameOnly(ctx, shown.id);
    return next();
  };
}

type Shown = { readonly id: string; readonly secret: string };

/** The one method of a request that is a secret; more methods than one are refused (RFC 6749 §2.3). */
function secretShown(ctx: Context): Shown | undefined {
  const form = formOf(ctx);
  const { authorization } = ctx.headers;
  if (form.get('client_assertion')) return undefined;
  return authorization === undefined ? inForm(form) : inHeader(form, readBasic(authorization));
}

function inForm(form: URLSearchParams): Shown | undefined {
  const [id, secret] = [form.get('client_id'), form.get('client_secret')];
  return id && secret !== null ? { id, secret } : undefined;
}

/** An empty parameter counts as absent (RFC 6749 §3.2). */
function inHeader(form: URLSearchParams, basic: ReturnType<typeof readBasic>): Shown | undefined {
  if (basic === undefined || basic === 'malformed' || form.get('client_secret')) return undefined;
  const id = form.get('client_id') || basic.id;
  return id === basic.id ? basic : undefined;
}

/** Clients that have no secret to send: public ones, and those with a certificate. */
const withoutSecret: readonly string[] = ['none', 'tls_client_auth', 'self_signed_tls_client_auth'];

async function mayNameItself(realm: Realm, { id, secret }: Shown): Promise<boolean> {
  const client = await realm.findClient(id);
  if (client?.enabled !== true) return false;
  if (secret === '') return withoutSecret.includes(authMethodOf(client));
  return client.public === true && realm.profile.clientAuthentication.ignoresSecretOfPublicClient;
}

function nameOnly(ctx: Context, id: string): void {
  const form = formOf(ctx);
  delete ctx.req.headers.authorization;
  form.delete('client_secret');
  form.set('client_id', id);
  replaceForm(ctx, form);
}
