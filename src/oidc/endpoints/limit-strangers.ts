/**
 * Limits what callers without credentials leave in the store, by network and realm. A request that leaves nothing, or
 * whose client proves itself, costs nothing.
 */
import type { Context, Middleware } from 'koa';
import { annotate } from '../../http/request-state.ts';
import { TooMany, waitFields } from '../../limits/too-many.ts';
import { formOf } from '../http/form.ts';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import { addressOf, paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { takeOfStranger } from '../realm/stranger.ts';
import type { UiPort } from '../realm/ui-port.ts';

type Parts = { readonly realm: RealmContext; readonly ui: UiPort };

export function limitStrangers({ realm, ui }: Parts): Middleware {
  return async function limitStranger(ctx, next) {
    if (!mayLeaveSomething(ctx)) return next();
    const giveBack = takeOrRefuse({ realm, ui }, ctx);
    if (giveBack === undefined) return;
    let isLeft = false;
    try {
      await next();
      isLeft = hasLeftSomething(realm, ctx);
    } finally {
      if (!isLeft) giveBack();
    }
  };
}

function takeOrRefuse({ realm, ui }: Parts, ctx: Context): (() => void) | undefined {
  try {
    return takeOfStranger(realm, ctx.req, sizeOf(ctx));
  } catch (error) {
    if (!(error instanceof TooMany)) throw error;
    annotate(ctx.req, { outcome: 'too_many_requests' });
    ctx.status = 429;
    ctx.set({ ...waitFields(error) });
    const out = { error: 'too_many_requests', error_description: error.message };
    if (pathOf(ctx) === paths.authorization) ui.refused(ctx, realm, out);
    else ctx.body = out;
    return undefined;
  }
}

function pathOf({ path }: Context): string | undefined {
  return addressOf(path)?.path;
}

/** Without credentials, at an address that stores something for whoever asks. */
function mayLeaveSomething(ctx: Context): boolean {
  switch (pathOf(ctx)) {
    case paths.authorization:
      // OIDC Core §3.1.2.1: `none` never shows a page, so nothing waits for a person.
      return (ctx.method === 'POST' ? formOf(ctx).get('prompt') : ctx.query['prompt']) !== 'none';
    case paths.pushedRequest:
    case paths.deviceAuthorization:
      return ctx.method === 'POST' && !hasCredentials(ctx);
    case paths.registration:
      return ctx.method === 'POST' && ctx.get('Authorization') === '';
    default:
      return false;
  }
}

/** Wrong ones are refused, and leave nothing. */
function hasCredentials(ctx: Context): boolean {
  const form = formOf(ctx);
  return ctx.get('Authorization') !== '' || form.has('client_secret') || form.has('client_assertion');
}

function sizeOf(ctx: Context): number {
  const length = Number(ctx.get('Content-Length'));
  return ctx.originalUrl.length + (Number.isSafeInteger(length) && length > 0 ? length : 0);
}

/** A page that waits for a person, or an answer of an endpoint that a public client reached. */
function hasLeftSomething({ issuer }: Pick<RealmContext, 'issuer'>, ctx: Context): boolean {
  if (pathOf(ctx) === paths.authorization) {
    const location = ctx.res.getHeader('Location');
    return typeof location === 'string' && location.startsWith(`${issuer}/login/`);
  }
  if (ctx.status !== 200 && ctx.status !== 201) return false;
  return pathOf(ctx) === paths.registration || !hasOidcContext(ctx) || isPublic(ctx.oidc.client);
}

/** A client with a certificate has proven itself, too. */
function isPublic(client: { readonly clientAuthMethod?: string | undefined } | undefined): boolean {
  return client?.clientAuthMethod === 'none';
}
