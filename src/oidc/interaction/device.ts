/**
 * The pages of the device flow (RFC 8628 §3.3): enter the code, compare it, sign in. The library asks for them in the
 * middle of its work. Where the code is in the address, the library would post it by a script; our page does not.
 */
import type { Context, Middleware } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { noteUserCode } from '../client-auth/brute-force.ts';
import { protectedForm } from '../http/protected-form.ts';
import { protocolStateOf } from '../http/protocol-state.ts';
import { userCodeError } from '../library/messages.ts';
import { paths } from '../realm/addresses.ts';
import { cookiesOf } from '../realm/cookies.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { UiPort, UserCodeProblem } from '../realm/ui-port.ts';

export function deviceFlow(realm: RealmContext, ui: UiPort) {
  return {
    enabled: true,
    charset: 'base-20' as const,
    mask: '****-****',
    userCodeInputSource: async (ctx: KoaContextWithOIDC, _form: string, _out: unknown, error?: Error) => {
      const problem = error && userCodeProblemOf(error.name);
      noteUserCode(ctx, problem);
      if (problem !== undefined) await keepNewSession(realm, ctx);
      ui.enterUserCode(ctx, realm, {
        ...protectedForm(ctx, 'code_verification'),
        userCode: typedCode(error) ?? protocolStateOf(ctx).userCodeInAddress,
        problem,
      });
    },
    userCodeConfirmSource: (
      ctx: KoaContextWithOIDC,
      _form: string,
      _client: unknown,
      device: Record<string, unknown>,
      userCode: string,
    ) => {
      const form = protectedForm(ctx, 'code_verification');
      ui.confirmUserCode(ctx, realm, { ...form, userCode, device: String(device['ua'] ?? '') });
    },
    successSource: (ctx: KoaContextWithOIDC) => ui.deviceDone(ctx, realm),
  };
}

const problems: ReadonlyMap<string, UserCodeProblem> = new Map([
  [userCodeError.missing, 'missing'],
  [userCodeError.unknown, 'unknown'],
  [userCodeError.expired, 'expired'],
  [userCodeError.used, 'used'],
  [userCodeError.aborted, 'aborted'],
]);

/** The problem behind the name of the error with which the library asks for a code again. */
export function userCodeProblemOf(errorName: string): UserCodeProblem {
  return problems.get(errorName) ?? 'failed';
}

/**
 * After a failure the library asks for the form when it has already stored the session. A session that began with
 * this request, because the browser sent no cookie, would be lost with the form's secret in it: it is kept here.
 */
async function keepNewSession(realm: RealmContext, { oidc }: KoaContextWithOIDC): Promise<void> {
  const { cookies, provider, session } = oidc;
  if (session === undefined || session.exp !== undefined) return;
  cookies.set(provider.cookieName('session'), session.jti, cookiesOf(realm).long);
  await session.save(realm.view.lifetimes.login);
}

/** The code that the person typed, where the library knows it. */
function typedCode(error: Error | undefined): string | undefined {
  const code: unknown = error !== undefined && 'userCode' in error ? error.userCode : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** `verification_uri_complete` (RFC 8628 §3.3.1): the code is filled in, and the person still confirms it. */
export const fillInUserCode: Middleware = function takeUserCode(ctx: Context, next) {
  const { user_code: code } = ctx.query;
  if (ctx.path !== paths.device || ctx.method !== 'GET' || typeof code !== 'string') return next();
  protocolStateOf(ctx).userCodeInAddress = code;
  ctx.querystring = '';
  return next();
};
