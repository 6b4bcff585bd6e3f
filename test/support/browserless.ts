/**
 * A browser without a screen: keeps cookies, walks redirects, fills in forms, and so goes through the flows that need
 * a person.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type Answer, get, postForm } from './http.ts';

type Cookie = { readonly name: string; readonly value: string; readonly path: string };

export type Agent = ReturnType<typeof createAgent>;

/** Speaks to one server, whatever public address that gives itself: all that it links to is on `base`. */
export function createAgent(base: string) {
  const jar = new Map<string, Cookie>();

  function cookiesFor(url: URL): string {
    return [...jar.values()]
      .filter(({ path }) => url.pathname === path || url.pathname.startsWith(path.replace(/\/?$/, '/')))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  function keep(answer: Answer): Answer {
    for (const line of answer.headers.getSetCookie()) {
      const cookie = parseCookie(line);
      if (cookie.value === '') jar.delete(`${cookie.name} ${cookie.path}`);
      else jar.set(`${cookie.name} ${cookie.path}`, cookie);
    }
    return answer;
  }

  /** The same path on our server. */
  function here(address: string): URL {
    const { pathname, search } = new URL(address, base);
    return new URL(`${pathname}${search}`, base);
  }

  async function open(address: string): Promise<Answer> {
    const url = here(address);
    return keep(await get(url.href, { cookie: cookiesFor(url), accept: 'text/html' }));
  }

  /** Sends the first form of a page with what it holds and what a person adds. */
  async function submit(page: Answer, entries: Readonly<Record<string, string>>): Promise<Answer> {
    const url = here(/<form[^>]* action="([^"]+)"/.exec(page.text)?.[1] ?? '');
    const hidden = page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
    const form = { ...Object.fromEntries([...hidden].map(([, name, value]) => [name, value])), ...entries };
    return keep(
      await postForm(url.href, form, { headers: { cookie: cookiesFor(url), accept: 'text/html' } }),
    );
  }

  return { open, submit, cookies: () => [...jar.values()] };
}

function parseCookie(line: string): Cookie {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const [name, value] = split(pair);
  const path = attributes.map(split).find(([key]) => key.toLowerCase() === 'path')?.[1] ?? '/';
  return { name, value, path };
}

function split(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return [pair.slice(0, at), pair.slice(at + 1)];
}

/** Anything that listens at an address without a trailing slash. */
export type Site = { readonly url: string };

export type Person = {
  readonly realm: string;
  readonly username?: string;
  readonly password?: string;
  /** Somebody who may be signed in already; default: a new one. */
  readonly agent?: Agent;
};

export type CodeRequest = Person & {
  readonly clientId?: string;
  readonly redirectUri?: string;
  readonly scope?: string;
  /** Further parameters of the authorization request. */
  readonly params?: Readonly<Record<string, string>>;
};

export type ObtainedCode = {
  readonly agent: Agent;
  readonly code: string;
  /** The form that redeems the code, without a client's other credentials. */
  readonly form: Readonly<Record<string, string>>;
};

const defaults = {
  clientId: 'dc-ui',
  redirectUri: 'http://localhost:3000/demo/callback',
  scope: 'openid dashboards:read reports:read',
};

/** Walks the authorization code flow with PKCE, signing in where asked. */
export async function obtainCode(site: Site, request: CodeRequest): Promise<ObtainedCode> {
  const { agent = createAgent(site.url), params = {} } = request;
  const { clientId, redirectUri, scope } = { ...defaults, ...request };
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...params,
  });
  const address = `${site.url}/realms/${request.realm}/protocol/openid-connect/auth?${query}`;
  const answer = await signInWhereAsked(agent, request, await agent.open(address));
  const code = new URL(locationOf(answer)).searchParams.get('code');
  if (code === null) throw new Error(`no code: ${locationOf(answer)}`);
  const form = { grant_type: 'authorization_code', client_id: clientId, redirect_uri: redirectUri, code };
  return { agent, code, form: { ...form, code_verifier: verifier } };
}

/** Goes through the pages of RFC 8628 §3.3 with the code that the device shows. */
export async function approveDevice(site: Site, person: Person, userCode: string): Promise<void> {
  const agent = person.agent ?? createAgent(site.url);
  const asked = await agent.open(`${site.url}/realms/${person.realm}/device`);
  const shown = await agent.submit(asked, { user_code: userCode });
  const confirmed = await agent.submit(shown, { confirm: 'yes' });
  const done = await signInWhereAsked(agent, person, confirmed);
  if (done.status !== 200) throw new Error(`the device was not approved: ${done.status} ${done.text}`);
}

/** Follows redirects within the realm, signs in where asked, and stops at what leaves it or asks nothing. */
export async function signInWhereAsked(agent: Agent, person: Person, first: Answer): Promise<Answer> {
  let answer = first;
  for (let left = 10; left > 0; left -= 1) {
    const next = await goOn(agent, person, answer);
    if (next === undefined) return answer;
    answer = next;
  }
  throw new Error('too many redirects');
}

async function goOn(agent: Agent, person: Person, answer: Answer): Promise<Answer | undefined> {
  const location = answer.headers.get('location');
  if (location !== null) {
    const { pathname } = new URL(location, 'http://server');
    return pathname.startsWith(`/realms/${person.realm}/`) ? agent.open(location) : undefined;
  }
  if (!answer.text.includes('name="password"')) return undefined;
  const { username = 'george.becker', password = 'my_password' } = person;
  const signedIn = await agent.submit(answer, { username, password });
  if (signedIn.status !== 303) throw new Error(`sign-in failed: ${signedIn.status}`);
  return signedIn;
}

function locationOf(answer: Answer): string {
  const location = answer.headers.get('location');
  if (location === null) throw new Error(`no redirect: ${answer.status} ${answer.text}`);
  return location;
}
