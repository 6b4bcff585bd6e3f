import type { Context, Middleware } from 'koa';
import { readBasic } from '../../http/basic.ts';
import { formOf, replaceForm } from '../http/form.ts';
import type { RealmContext } from '../realm/realm-context.ts';

type Realm = Pick<RealmContext, 'profile' | 'findClient'>;

/**
 * A public client may name itself with an empty secret (RFC 6749 §2.3.1: it may be left out), and where the profile says
 * so with any: the library would refuse the request. It is handed over as if the client had only named itself.
 */
export function takePublicClientByName(realm: Realm): Middleware {
  return async function takeByName(ctx, next) {
    const shown = secretShown(ctx);
    if (shown !== undefined && (await isPublic(realm, shown))) nameOnly(ctx, shown.id);
    return next();
  };
}

type Shown = { readonly id: string; readonly secret: string };

function secretShown(ctx: Context): Shown | undefined {
  const form = formOf(ctx);
  const [id, secret] = [form.get('client_id'), form.get('client_secret')];
  const basic = readBasic(ctx.headers.authorization);
  if (basic === undefined) return id === null || secret === null ? undefined : { id, secret };
  const contradicts = basic === 'malformed' || (id !== null && id !== basic.id);
  return contradicts || secret ? undefined : basic;
}

async function isPublic(realm: Realm, { id, secret }: Shown): Promise<boolean> {
  if (secret !== '' && !realm.profile.clientAuthentication.ignoresSecretOfPublicClient) return false;
  const client = await realm.findClient(id);
  return client?.public === true && client.enabled;
}

function nameOnly(ctx: Context, id: string): void {
  const form = formOf(ctx);
  delete ctx.req.headers.authorization;
  form.delete('client_secret');
  form.set('client_id', id);
  replaceForm(ctx, form);
}
