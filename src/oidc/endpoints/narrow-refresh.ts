/**
 * The scope of a refresh (RFC 6749 §6): a permission that exists but that the token does not have is left out, as at
 * every other grant. The library would refuse the request, so the scope is narrowed before.
 */

import type { Context, Middleware } from 'koa';
import { tokenKey } from '../../revocation/nodes.ts';
import { decodeToken } from '../../tokens/record.ts';
import { formOf, replaceForm } from '../http/form.ts';
import { unitOf } from '../http/protocol-state.ts';
import { refreshHashOf } from '../profiles/refresh-shape.ts';
import { paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { oidcScopeSet } from '../tokens/claims.ts';

export function narrowRefreshScope(
  realm: Pick<RealmContext, 'name' | 'keys' | 'permissionNames'>,
): Middleware {
  return async function narrowScopeOfRefresh(ctx, next) {
    const form = formOf(ctx);
    if (ctx.path === paths.token && form.get('grant_type') === 'refresh_token' && form.has('scope')) {
      await narrow(realm, ctx, form);
    }
    return next();
  };
}

/**
 * If no requested scope remains, the request stays as it is: an empty `scope` would mean all, so the library must
 * refuse it.
 */
async function narrow(
  realm: Pick<RealmContext, 'name' | 'keys' | 'permissionNames'>,
  ctx: Context,
  form: URLSearchParams,
): Promise<void> {
  const hash = refreshHashOf(form.get('refresh_token') ?? '', realm.keys.secret);
  const document = await unitOf(ctx).read(tokenKey(realm.name, hash));
  const record = document && decodeToken(document.value);
  if (record === undefined) return;
  const had = new Set(record.scope?.split(' '));
  const asked = (form.get('scope') ?? '').split(' ').filter((name) => name !== '');
  const kept = asked.filter((name) => had.has(name) || !exists(realm, name));
  if (kept.length === 0) return;
  form.set('scope', kept.join(' '));
  replaceForm(ctx, form);
}

function exists(realm: Pick<RealmContext, 'permissionNames'>, scope: string): boolean {
  return oidcScopeSet.has(scope) || realm.permissionNames.has(scope);
}
