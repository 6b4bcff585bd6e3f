import type { Context } from 'koa';
import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import type { AutoPost } from '../library/auto-post.ts';
import type { RealmContext } from './realm-context.ts';

/** A request in the middle of the library's work. */
export type UiContext = KoaContextWithOIDC;

/** A form that the library checks: where it goes and the secret it must carry as `xsrf`. */
export type ProtectedForm = { readonly action: string; readonly xsrf: string };

/** Why a user code is asked for again (RFC 8628 §3.3). */
export type UserCodeProblem = 'missing' | 'unknown' | 'expired' | 'used' | 'aborted' | 'failed';

/** The pages that the protocol needs in the middle of a request. The pages folder draws them. */
export type UiPort = {
  /** RP-initiated logout asks before it ends a session (OIDC RP-Initiated Logout §2). */
  confirmLogout(ctx: UiContext, realm: RealmContext, form: ProtectedForm): void;
  /** `target`: an address of the client that the person may go on to. */
  loggedOut(ctx: UiContext, realm: RealmContext, target?: string): void;
  /** Asks before a browser leaves with an error for a client that registered itself (RFC 9700 §4.11.2). */
  confirmLeaving(ctx: UiContext, realm: RealmContext, target: string): void;
  /** Posts fields to an address, by itself where scripts run. The status is set already. */
  postOn(ctx: UiContext, realm: RealmContext, form: AutoPost): void;
  /** RFC 8628 §3.3: type the code shown on the device. `problem` tells why the last try failed. */
  enterUserCode(
    ctx: UiContext,
    realm: RealmContext,
    form: ProtectedForm & { problem: UserCodeProblem | undefined; userCode: string | undefined },
  ): void;
  /** RFC 8628 §3.3.1: compare the code before going on. */
  confirmUserCode(
    ctx: UiContext,
    realm: RealmContext,
    form: ProtectedForm & { userCode: string; device: string },
  ): void;
  deviceDone(ctx: UiContext, realm: RealmContext): void;
  error(ctx: UiContext, realm: RealmContext, out: ErrorOut): void;
  /** The same for a request that was not let in. */
  refused(ctx: Context, realm: RealmContext, out: ErrorOut): void;
};
