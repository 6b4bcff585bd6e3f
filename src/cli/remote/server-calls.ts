/** The admin API of a running server, over HTTP, in the name of whoever has signed in. */
import { type Clock, epochSeconds, systemClock } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { normalizeLogin } from '../../registry/registry.ts';
import { adminRoutes } from '../../surfaces/admin/admin.ts';
import type { AdminRoute } from '../../surfaces/admin/shared/route.ts';
import { type AdminCalls, type AdminRequest, everyItem, noUser } from '../runtime/admin-calls.ts';
import { cellOf } from '../runtime/output.ts';
import { createLogins, type Login, type Logins } from './logins.ts';
import { type Answer, send } from './requests.ts';
import { refresh } from './sign-in.ts';

type Deps = { readonly logins?: Logins; readonly clock?: Clock };

/** A token that is about to end is refreshed before. In seconds. */
const MARGIN = 30;

export function createServerCalls(
  url: string,
  { logins = createLogins(), clock = systemClock }: Deps = {},
): AdminCalls {
  async function token(mustBeNew = false): Promise<string> {
    const login = await logins.find(url);
    if (login === undefined) throw signInAgain(url);
    const isFresh = login.expiresAt - MARGIN > epochSeconds(clock);
    return isFresh && !mustBeNew ? login.accessToken : (await renewed(login)).accessToken;
  }

  async function renewed({ realm, refreshToken }: Login): Promise<Login> {
    const login = refreshToken === undefined ? undefined : await refresh({ url, realm, clock }, refreshToken);
    await logins.put(url, login);
    if (login === undefined) throw signInAgain(url);
    return login;
  }

  async function call(operation: string, request: AdminRequest = {}): Promise<Answer['body']> {
    const route = adminRoutes.find(({ id }) => id === operation);
    if (route === undefined) throw new Error(`the admin API has no operation ${operation}`);
    const first = await sendTo(url, route, request, await token());
    // Revoked, or of a server that has forgotten it.
    const answer = first.status === 401 ? await sendTo(url, route, request, await token(true)) : first;
    if (answer.status >= 400) throw failureOf(url, answer);
    return answer.body;
  }

  async function userOf(realm: string, login: string) {
    const name = normalizeLogin(login);
    for await (const user of everyItem({ call }, 'listUsers', {
      params: { realm },
      query: { search: login },
    })) {
      const names = [user['username'], user['email']].filter((one) => typeof one === 'string');
      if (names.some((one) => normalizeLogin(one) === name)) return { ...user, id: String(user['id']) };
    }
    throw noUser(login);
  }

  return { call, userOf };
}

function sendTo(
  url: string,
  { method, path, body: hasBody, media }: AdminRoute,
  { params = {}, query = {}, body }: AdminRequest,
  token: string,
): Promise<Answer> {
  const filled = path.replace(/:(\w+)/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams(query).toString();
  const sent = hasBody === undefined ? {} : { body: JSON.stringify(body ?? {}) };
  return send(`${url}${filled}${search === '' ? '' : `?${search}`}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': media, 'If-Match': '*' },
    ...sent,
  });
}

function signInAgain(url: string): Failure {
  return new Failure('forbidden', `you are not signed in at ${url}: daypass login --url ${url}`);
}

/** RFC 9457, as the server words it. */
function failureOf(url: string, { status, body }: Answer): Failure {
  const { detail, errors } = body;
  const faults: readonly unknown[] = Array.isArray(errors) ? errors : [];
  const lines = faults.map((fault) => {
    const { pointer = '', detail: what = '' } = Object(fault);
    return cellOf(`${String(pointer).slice(1)} ${what}`).trim();
  });
  const words =
    lines.length > 0 ? lines.join('\n') : cellOf(detail ?? `${url} answered with status ${status}`);
  return new Failure(status === 404 ? 'not_found' : 'invalid_input', words);
}
