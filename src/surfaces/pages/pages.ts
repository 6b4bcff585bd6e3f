/**
 * What people see: login, consent, logout, devices, errors, their account. Draws and reads forms; what an answer
 * means is decided in `oidc/`.
 */
import type { Context } from 'koa';
import { Failure, type FailureCode } from '../../base/errors.ts';
import { apiHeaders, autoPostHeaders } from '../../http/security-headers.ts';
import type { RealmProvider } from '../../oidc/provider/provider.ts';
import { answerAccount } from './account/account-routes.ts';
import { answerLogin } from './login/login-routes.ts';
import { sendError } from './screens.ts';
import { serveAssets } from './ui/assets.ts';
import { FormTooLarge } from './ui/form.ts';
import type { ErrorKind } from './ui/render.ts';

/** Where the library may answer with a document of its own, which posts itself. */
const LIBRARY_PAGES = /^\/protocol\/openid-connect\/(auth(?!\/device)|logout)\b|^\/device\b/;

const OUR_PAGES = /^\/(login\/|account(\/|$))/;
const PAGE_METHODS: readonly string[] = ['GET', 'HEAD', 'POST'];

const failures = {
  invalid_input: { status: 400, kind: 'request' },
  not_found: { status: 404, kind: 'expired' },
  conflict: { status: 409, kind: 'request' },
  forbidden: { status: 403, kind: 'expired' },
  busy: { status: 503, kind: 'unavailable' },
  too_many_requests: { status: 429, kind: 'limited' },
  unavailable: { status: 503, kind: 'unavailable' },
} as const satisfies Record<FailureCode, { status: number; kind: ErrorKind }>;

/**
 * Answers what lies at a page's address below a realm; `false` for everything else, with headers for what the
 * protocol may answer, which replaces those it knows better.
 */
export async function answerPages(ctx: Context, provider: RealmProvider, path: string): Promise<boolean> {
  const isHttps = provider.realm.publicUrl.startsWith('https:');
  ctx.set({ ...(LIBRARY_PAGES.test(path) ? autoPostHeaders({ isHttps }) : apiHeaders({ isHttps })) });
  if (OUR_PAGES.test(path) && !PAGE_METHODS.includes(ctx.method)) return refuseMethod(ctx);
  try {
    return (
      (await answerAsset(ctx, provider, path)) ||
      (await answerLogin(ctx, provider, path)) ||
      (await answerAccount(ctx, provider, path))
    );
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    showFailure(ctx, provider, error);
    return true;
  }
}

function showFailure(ctx: Context, { realm }: RealmProvider, error: Failure): void {
  const { status, kind } = failures[error.code];
  ctx.status = error instanceof FormTooLarge ? 413 : status;
  if (status === 503) ctx.set('Retry-After', '1');
  sendError(realm, ctx, { kind, detail: error.message });
}

/** RFC 9110 §15.5.6. */
function refuseMethod(ctx: Context): true {
  ctx.status = 405;
  ctx.set('Allow', PAGE_METHODS.join(', '));
  ctx.body = { error: 'HTTP 405 Method Not Allowed' };
  return true;
}

async function answerAsset(ctx: Context, provider: RealmProvider, path: string): Promise<boolean> {
  const file = /^\/assets\/([a-z.]+)$/.exec(path)?.[1];
  if (file === undefined) return false;
  let isFound = true;
  await serveAssets(() => ({ file, color: provider.realm.view.login.color }))(ctx, async () => {
    isFound = false;
  });
  return isFound;
}
