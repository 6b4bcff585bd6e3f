/** Rules for every form at a protocol endpoint, checked before the client is authenticated. */
import type { Context, Middleware } from 'koa';
import { addressOf, paths } from '../realm/addresses.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { FORM, formOf } from './form.ts';

/** RFC 8707 §2 and RFC 8693 §2.1: these may be repeated in a request for a token, and nowhere else. */
const mayRepeat: ReadonlySet<string> = new Set(['resource', 'audience']);
const requests: ReadonlySet<string> = new Set([
  paths.token,
  paths.deviceAuthorization,
  paths.pushedRequest,
  paths.backchannelAuthentication,
]);

export function checkForms(realm: Pick<RealmContext, 'profile'>): Middleware {
  return function checkForm(ctx, next) {
    const problem = addressOf(ctx.path)?.takesForm === true ? problemOf(realm, ctx) : undefined;
    if (problem === undefined) return next();
    ctx.status = 400;
    ctx.body = { error: 'invalid_request', error_description: problem };
    return undefined;
  };
}

function problemOf(realm: Pick<RealmContext, 'profile'>, ctx: Context): string | undefined {
  if (ctx.method !== 'POST') return undefined;
  // RFC 6749 §3.2 and Appendix B. A body of another type would be read as none, and its parameters as missing.
  if (ctx.is(FORM) === false) return `the body must be of the type ${FORM}`;
  const form = formOf(ctx);
  if (ctx.path === paths.token && !form.has('grant_type')) return 'Missing form parameter: grant_type';
  // RFC 6749 §3.2: parameters must not be included more than once, known or not.
  if (repeatsParameter(form, requests.has(ctx.path))) return 'duplicated parameter';
  if (ctx.path !== paths.introspection) return undefined;
  return realm.profile.introspection.problemOfHint(form.get('token_type_hint') ?? '');
}

function repeatsParameter(form: URLSearchParams, isRequest: boolean): boolean {
  const names = [...form.keys()].filter((name) => !isRequest || !mayRepeat.has(name));
  return new Set(names).size < names.length;
}
