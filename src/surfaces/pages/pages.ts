/** The pages: login, consent, logout, devices, errors, account. They draw and read forms; `oidc/` decides. */
import { Failure, type FailureCode } from '../../base/errors.ts';
import { type Route, type Routed, refusePlainly, type Surface, wrapRoutes } from '../../http/routes.ts';
import { TooMany, waitFields } from '../../limits/too-many.ts';
import type { RealmRequest } from '../../oidc/provider/realm-router.ts';
import { accountRoutes } from './account/account-routes.ts';
import { newPasswordRoutes } from './account/new-password.ts';
import { isProfileCall, profileRoutes } from './account/profile.ts';
import { loginRoutes } from './login/login-routes.ts';
import { sendError } from './screens.ts';
import { sendAsset } from './ui/assets.ts';
import { FormTooLarge } from './ui/form.ts';
import type { ErrorKind } from './ui/render.ts';

type PageCall = Routed<RealmRequest>;

const failures = {
  invalid_input: { status: 400, kind: 'request' },
  not_found: { status: 404, kind: 'expired' },
  conflict: { status: 409, kind: 'request' },
  forbidden: { status: 403, kind: 'expired' },
  busy: { status: 503, kind: 'unavailable' },
  too_many_requests: { status: 429, kind: 'limited' },
  unavailable: { status: 503, kind: 'unavailable' },
} as const satisfies Record<FailureCode, { status: number; kind: ErrorKind }>;

/** Runs a handler; an expected failure becomes a page. */
async function withErrorPages(call: PageCall, handler: Route<PageCall>['handler']): Promise<void> {
  try {
    await handler(call);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    showFailure(call, error);
  }
}

function showFailure({ ctx, provider }: PageCall, error: Failure): void {
  const { status, kind } = failures[error.code];
  ctx.status = error instanceof FormTooLarge ? 413 : status;
  if (status === 503) ctx.set('Retry-After', '1');
  if (error instanceof TooMany) ctx.set({ ...waitFields(error) });
  sendError(provider.realm, ctx, { kind, detail: error.message });
}

function surfaceOf(name: string, routes: readonly Route<PageCall>[]): Surface<RealmRequest> {
  return { name, routes: wrapRoutes(routes, withErrorPages), refuse: refusePlainly };
}

function asset(file: string): Route<PageCall> {
  return {
    method: 'GET',
    path: `/assets/${file}`,
    who: 'anybody',
    handler: ({ ctx, provider }) => sendAsset(ctx, { file, color: provider.realm.view.login.color }),
  };
}

/** Login, account, and the files that pages load. A realm without a colour has no style sheet of its own. */
export const pages: readonly Surface<RealmRequest>[] = [
  surfaceOf('login', loginRoutes),
  { ...surfaceOf('profile', profileRoutes), isThere: isProfileCall },
  surfaceOf('account', newPasswordRoutes),
  surfaceOf('account', accountRoutes),
  surfaceOf('assets', [asset('style.css'), asset('favicon.svg')]),
  {
    ...surfaceOf('assets', [asset('theme.css')]),
    isThere: ({ provider }) => provider.realm.view.login.color !== undefined,
  },
];
