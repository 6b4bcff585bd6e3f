/** The public documents of a realm: its descriptor, its metadata, its keys. */
import { createPublicKey } from 'node:crypto';
import type { Context, Middleware } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import { paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** A key is published for twice this time before it signs (keys/key-ring.ts). */
const MAX_AGE = 300;

export function answerPublicDocuments(realm: Pick<RealmContext, 'name' | 'issuer' | 'keys'>): Middleware {
  return async function answerPublicDocument(ctx, next) {
    if (ctx.path === paths.realm && (ctx.method === 'GET' || ctx.method === 'HEAD')) {
      ctx.body = JSON.stringify(descriptorOf(realm));
      ctx.set('Content-Type', 'application/json;charset=UTF-8');
      keep(ctx);
    } else {
      await next();
      if (hasOidcContext(ctx) && ctx.status === 200) finishDocument(ctx);
    }
  };
}

function finishDocument(ctx: Context & KoaContextWithOIDC): void {
  const { route } = ctx.oidc;
  if (route === 'discovery') ctx.body = { ...asObject(ctx.body), ...whatIsTrueHere(ctx.body) };
  if (route === 'discovery' || route === 'jwks') keep(ctx);
}

function keep(ctx: Context): void {
  ctx.set('Cache-Control', `public, max-age=${MAX_AGE}`);
}

/** Keycloak's description of a realm, which its older adapters read the RS256 key from. */
function descriptorOf({ issuer, name, keys }: Pick<RealmContext, 'name' | 'issuer' | 'keys'>) {
  const signer = keys.jwks.find(({ alg }) => alg === 'RS256');
  return {
    realm: name,
    public_key:
      signer && createPublicKey({ key: signer, format: 'jwk' }).export(derPublicKey).toString('base64'),
    'token-service': `${issuer}/protocol/openid-connect`,
    'account-service': `${issuer}/account`,
    'tokens-not-before': 0,
  };
}

const derPublicKey = { type: 'spki', format: 'der' } as const;

/** Members that the library leaves out, or gives values that are not true here. */
function whatIsTrueHere(body: unknown): Record<string, unknown> {
  const library = asObject(body);
  const methods = listOf(library['token_endpoint_auth_methods_supported']);
  const algorithms = library['token_endpoint_auth_signing_alg_values_supported'];
  return {
    backchannel_user_code_parameter_supported: false,
    // A public client cannot prove that it may see a token (RFC 7662 §2.1).
    introspection_endpoint_auth_methods_supported: methods.filter((method) => method !== 'none'),
    introspection_endpoint_auth_signing_alg_values_supported: algorithms,
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
  };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
