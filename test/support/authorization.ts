/** The authorization code flow as a visitor goes through it, and what comes out at the token endpoint. */
import { decodeJwt } from 'jose';
import { type Answer, get, postForm } from './http.ts';
import type { TestServer } from './server.ts';
import {
  createVisitor,
  george,
  newPkce,
  type Person,
  type Pkce,
  responseOf,
  signIn,
  type View,
  type Visitor,
} from './visitor.ts';

type Fields = Readonly<Record<string, string>>;

export type Request = {
  readonly realm?: string;
  readonly clientId?: string;
  readonly redirectUri?: string;
  readonly visitor?: Visitor;
  readonly person?: Person;
  /** Parameters on top of the usual ones; an empty value leaves one out. */
  readonly params?: Fields;
};

export const callback = 'https://app.example/callback';

const defaults = { realm: 'acme', clientId: 'app', redirectUri: callback };

/** The address of an authorization request with PKCE. */
export function requestUrl(server: TestServer, request: Request, pkce: Pkce = newPkce()): URL {
  const { realm, clientId, redirectUri } = { ...defaults, ...request };
  const params = {
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid',
    state: 'st',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    ...request.params,
  };
  const url = new URL(server.endpoint(realm, 'auth'));
  for (const [name, value] of Object.entries(params)) if (value !== '') url.searchParams.set(name, value);
  return url;
}

export type Walk = {
  readonly visitor: Visitor;
  readonly pkce: Pkce;
  /** Where it stopped: a page, or the way back to the client. */
  readonly view: View;
  readonly asked: readonly ('login' | 'consent')[];
};

/** Walks a request to its end, signs in and agrees where asked. */
export async function walk(server: TestServer, request: Request = {}): Promise<Walk> {
  const { visitor = createVisitor(server.url), person = george } = request;
  const pkce = newPkce();
  const asked: ('login' | 'consent')[] = [];
  let view = await visitor.open(requestUrl(server, request, pkce));
  for (let left = 4; left > 0 && view.location === undefined; left -= 1) {
    const kind = kindOf(view);
    if (kind === undefined) break;
    asked.push(kind);
    view =
      kind === 'login'
        ? await signIn(visitor, view, person)
        : await visitor.submit(view, { decision: 'allow' });
  }
  return { visitor, pkce, view, asked };
}

export function kindOf(view: View): 'login' | 'consent' | undefined {
  if (view.status !== 200) return undefined;
  if (view.text.includes('name="password"')) return 'login';
  return view.text.includes('name="decision"') ? 'consent' : undefined;
}

/** The parameters that came back, after walking to the end. */
export async function respond(server: TestServer, request: Request = {}): Promise<Fields> {
  return responseOf((await walk(server, request)).view);
}

export type Credentials = readonly [id: string, secret: string];

export type RedeemRequest = Request & {
  readonly auth?: Credentials;
  readonly headers?: Record<string, string>;
  readonly resource?: string;
};

/** Redeems the code of a walk. */
export function redeem(
  server: TestServer,
  { view, pkce }: Pick<Walk, 'view' | 'pkce'>,
  request: RedeemRequest = {},
): Promise<Answer> {
  const { realm, clientId, redirectUri } = { ...defaults, ...request };
  const form = {
    grant_type: 'authorization_code',
    code: responseOf(view)['code'] ?? '',
    redirect_uri: redirectUri,
    code_verifier: pkce.verifier,
    ...(request.auth === undefined ? { client_id: clientId } : {}),
  };
  const { auth, headers, resource } = request;
  return postForm(
    server.endpoint(realm, 'token'),
    { ...form, ...(resource === undefined ? {} : { resource }) },
    { ...(auth === undefined ? {} : { auth }), ...(headers === undefined ? {} : { headers }) },
  );
}

export type Tokens = {
  readonly json: Answer['json'];
  /** Of the ID token. */
  readonly claims: Answer['json'];
  readonly visitor: Visitor;
  readonly walk: Walk;
};

/** From the request to the tokens. `claims` are those of the ID token. */
export async function obtain(server: TestServer, request: RedeemRequest = {}): Promise<Tokens> {
  const walked = await walk(server, request);
  const answer = await redeem(server, walked, request);
  if (answer.status !== 200) throw new Error(`no tokens: ${answer.text}`);
  const { json } = answer;
  return {
    json,
    claims: json.id_token === undefined ? undefined : decodeJwt(json.id_token),
    visitor: walked.visitor,
    walk: walked,
  };
}

export function userinfo(server: TestServer, accessToken: string, realm = 'acme'): Promise<Answer> {
  return get(server.endpoint(realm, 'userinfo'), { authorization: `Bearer ${accessToken}` });
}
