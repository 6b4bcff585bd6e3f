/** The protocol's part of a request's state. */
import type { Context } from 'koa';
import type { Client } from 'oidc-provider';
import { stateOf } from '../../http/request-state.ts';
import type { UnitOfWork } from '../../storage/port/unit-of-work.ts';

declare module '../../http/request-state.ts' {
  interface RequestState {
    protocol?: ProtocolState;
  }
}

export interface ProtocolState {
  unit?: UnitOfWork;
  /** The error with which the library refused the request. */
  thrown?: unknown;
  /** The request is Keycloak's logout by refresh token, answered by the revocation route. */
  isLogoutByToken?: boolean;
  /** The request's `id_token_hint` was signed with a key that was taken away. */
  hasWithdrawnHint?: boolean;
  /** The client to which an error response was not sent, because it registered itself. */
  heldClient?: Client | undefined;
  /** The user code that was typed does not exist, has expired or was used (RFC 8628 §3.3). */
  isWrongUserCode?: boolean;
  /** The user code of `verification_uri_complete` (RFC 8628 §3.3.1). */
  userCodeInAddress?: string;
  /** The refresh token of a guest; the library takes its request for a token exchange. */
  guestRefreshToken?: string;
}

/** The state of the request that a Koa context belongs to: the server's context or the library's. */
export function protocolStateOf({ req }: Pick<Context, 'req'>): ProtocolState {
  const state = stateOf(req);
  state.protocol ??= {};
  return state.protocol;
}

/** Throws when the request has no unit of work: a route that writes was mounted without one. */
export function unitOf(ctx: Pick<Context, 'req' | 'path'>): UnitOfWork {
  const { unit } = protocolStateOf(ctx);
  if (unit === undefined) throw new Error(`no unit of work for ${ctx.path}`);
  return unit;
}
