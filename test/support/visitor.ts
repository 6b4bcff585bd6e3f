/**
 * A person with a browser but no screen: keeps cookies with their attributes, follows redirects as far as they stay
 * on our server, and fills in any form of a page.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Answer, get, postForm } from './http.ts';

type Fields = Readonly<Record<string, string>>;

export type Form = {
  readonly action: string;
  /** What it holds before anybody fills it in. */
  readonly fields: Fields;
};

export type Cookie = {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  /** Lower-case attribute names; those without a value are empty. */
  readonly attributes: Fields;
};

/** An answer with its address; `location` is where it leads off our server. */
export type View = Answer & {
  readonly url: URL;
  readonly location: URL | undefined;
  readonly forms: readonly Form[];
};

export type Visitor = ReturnType<typeof createVisitor>;

export function createVisitor(base: string, headers: Fields = {}) {
  const jar = new Map<string, Cookie>();

  function cookieHeader(url: URL): string {
    return [...jar.values()]
      .filter(({ path }) => url.pathname === path || url.pathname.startsWith(path.replace(/\/?$/, '/')))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  function keep(answer: Answer, url: URL): View {
    for (const line of answer.headers.getSetCookie()) {
      const cookie = parseCookie(line);
      const expires = cookie.attributes['expires'];
      const isGone = cookie.value === '' || (expires !== undefined && Date.parse(expires) < Date.now());
      if (isGone) jar.delete(`${cookie.name} ${cookie.path}`);
      else jar.set(`${cookie.name} ${cookie.path}`, cookie);
    }
    const location = answer.headers.get('location');
    return {
      ...answer,
      url,
      location: location === null ? undefined : new URL(location, url),
      forms: formsOf(answer.text, url),
    };
  }

  const headersFor = (url: URL) => ({ accept: 'text/html', cookie: cookieHeader(url), ...headers });

  /** One request; redirects are not followed. */
  async function visit(address: string | URL): Promise<View> {
    const url = new URL(address, base);
    return keep(await get(url.href, headersFor(url)), url);
  }

  /** Goes on until there is a page, or an address that is not ours. */
  async function follow(view: View): Promise<View> {
    let current = view;
    for (let left = 15; current.location?.origin === new URL(base).origin; left -= 1) {
      if (left === 0) throw new Error('too many redirects');
      current = await visit(current.location);
    }
    return current;
  }

  async function open(address: string | URL): Promise<View> {
    return follow(await visit(address));
  }

  async function post(address: string | URL, fields: Fields, more: Fields = {}): Promise<View> {
    const url = new URL(address, base);
    return keep(await postForm(url.href, { ...fields }, { headers: { ...headersFor(url), ...more } }), url);
  }

  /** Sends the first form whose action ends with `to`, filled in, and follows. */
  async function submit(page: View, fields: Fields, to = ''): Promise<View> {
    const form = formOf(page, to);
    return follow(await post(form.action, { ...form.fields, ...fields }));
  }

  function cookie(name: string): Cookie | undefined {
    return [...jar.values()].find((one) => one.name === name);
  }

  /** What a browser does when it is closed. */
  function restart(): void {
    for (const [key, { attributes }] of jar) if (attributes['expires'] === undefined) jar.delete(key);
  }

  return { visit, follow, open, post, submit, cookie, restart };
}

/** The first form whose action, without its query, ends with `to`, and which holds `fields`. */
export function formOf(page: View, to: string, fields: Fields = {}): Form {
  const form = page.forms.find(
    (one) =>
      one.action.endsWith(to) && Object.entries(fields).every(([name, value]) => one.fields[name] === value),
  );
  if (form === undefined) throw new Error(`no form to ${to}: ${page.status} ${page.url}`);
  return form;
}

function formsOf(html: string, url: URL): readonly Form[] {
  return [...html.matchAll(/<form[^>]* action="([^"]+)"[^>]*>(.*?)<\/form>/gs)].map(
    ([, action = '', body = '']) => ({
      action: new URL(unescapeHtml(action), url).href,
      fields: Object.fromEntries(
        [...body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [
          name,
          unescapeHtml(value ?? ''),
        ]),
      ),
    }),
  );
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function parseCookie(line: string): Cookie {
  const [[name = '', value = ''] = [], ...attributes] = line.split(';').map((part) => split(part.trim()));
  const known = Object.fromEntries(attributes.map(([key, text]) => [key.toLowerCase(), text]));
  return { name, value, path: known['path'] ?? '/', attributes: known };
}

function split(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

export type Person = { readonly username: string; readonly password: string };

export const george: Person = { username: 'george.becker', password: 'my_password' };

export function signIn(
  visitor: Visitor,
  page: View,
  person: Person = george,
  more: Fields = {},
): Promise<View> {
  return visitor.submit(page, { username: person.username, password: person.password, ...more });
}

export type Pkce = { readonly verifier: string; readonly challenge: string };

export function newPkce(): Pkce {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** The parameters of an authorization response, wherever they are. */
export function responseOf(view: View): Fields {
  const { location } = view;
  if (location === undefined) throw new Error(`no redirect: ${view.status} ${view.url} ${view.text}`);
  const source = location.hash === '' ? location.searchParams : new URLSearchParams(location.hash.slice(1));
  return Object.fromEntries(source);
}
