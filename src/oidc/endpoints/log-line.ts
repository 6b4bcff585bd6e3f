/**
 * What the log line and the events say of a protocol request: route, client, grant, outcome and why. Never a value that was sent:
 * names come from closed lists, reasons from the code that refused.
 */
import type { Context } from 'koa';
import { errors } from 'oidc-provider';
import { annotate, stateOf } from '../../http/request-state.ts';
import type { Annotations } from '../../observability/annotations.ts';
import { grantName } from '../../registry/model/model.ts';
import { hasOidcContext } from '../library/has-oidc-context.ts';
import { originNotAllowed } from '../library/messages.ts';
import { routeNameOf } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { isLogoutByToken } from './logout-by-token.ts';
import { problemOf } from './problem-of-cause.ts';
import { clientRoutes } from './protocol-errors.ts';

/** To be called when the answer is known; `thrown` is what the library refused the request with, if anything. */
export function noteAnswer(
  realm: Pick<RealmContext, 'name' | 'events'>,
  ctx: Context,
  thrown: unknown,
): void {
  const notes = {
    ...aboutRequest(ctx),
    outcome: outcomeOf(ctx, thrown),
    ...(thrown instanceof errors.OIDCProviderError ? reasonOf(thrown) : {}),
  };
  annotate(ctx.req, notes);
  if (clientRoutes.has(notes.route ?? '')) emitTokenEvent(realm, ctx, notes);
  if (notes.route === 'registration' && notes.outcome === 'ok') {
    const { source } = stateOf(ctx.req);
    realm.events.emit({ type: 'client.registered', realm: realm.name, client: notes.client, source });
  }
}

/** Introspections and revocations that succeeded are emitted by the code that carries them out. */
function emitTokenEvent(
  { name: realm, events }: Pick<RealmContext, 'name' | 'events'>,
  ctx: Context,
  { route, client, grant, outcome, reason }: Annotations & { readonly outcome: string },
): void {
  const about = { realm, path: 'library', client, grant } as const;
  if (outcome !== 'ok') {
    const { source } = stateOf(ctx.req);
    events.emit({ ...about, type: 'token.refused', error: outcome, reason, source });
  } else if (route === 'token') events.emit({ ...about, type: 'token.issued' });
}

function aboutRequest(ctx: Context): Annotations {
  if (!hasOidcContext(ctx)) return beforeTheLibrary(ctx);
  const { route, client, params } = ctx.oidc;
  const grant = grantName.safeParse(params?.['grant_type']);
  return {
    route: isLogoutByToken(ctx) ? 'logout' : route,
    ...(client === undefined ? {} : { client: client.clientId }),
    ...(grant.success ? { grant: grant.data } : {}),
  };
}

/** A request that was refused before the library saw it: the route follows from the path. */
function beforeTheLibrary({ path }: Context): Annotations {
  const route = routeNameOf(path);
  return route === undefined ? {} : { route };
}

function outcomeOf(ctx: Context, thrown: unknown): string {
  const { body } = ctx;
  if (typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string') {
    return body.error;
  }
  if (thrown instanceof errors.OIDCProviderError) return thrown.error;
  return ctx.status < 400 ? 'ok' : 'refused';
}

function reasonOf(error: errors.OIDCProviderError): Annotations {
  const { cause, error_detail, error_description } = error;
  if (cause instanceof Error && cause.message === error_detail) {
    return { reason: [error_description, problemOf(cause)].filter((part) => part !== undefined).join(': ') };
  }
  const reason = error_detail ?? error_description;
  if (reason === undefined) return {};
  // The one message of the library's that quotes a header.
  return { reason: originNotAllowed.matches(reason) ? 'origin not allowed for client' : reason };
}
