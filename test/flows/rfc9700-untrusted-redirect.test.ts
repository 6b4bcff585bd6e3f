/** RFC 9700 §4.11.2: no browser is sent to a client that registered itself, unless a person wants it. */
import { beforeAll, describe, expect, it } from 'vitest';
import { obtain, requestUrl, respond, walk } from '../support/authorization.ts';
import { get } from '../support/http.ts';
import { registrationAddress, sendJson } from '../support/registration.ts';
import { useServer } from '../support/use-server.ts';
import { createVisitor, type View, type Visitor } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

const callback = 'https://stranger.example/cb';
const home = 'https://stranger.example/bye';
const server = useServer({
  realms: [
    browserRealm({
      registration: { open: true },
      clients: [
        {
          id: 'known',
          public: true,
          firstParty: true,
          grants: ['authorization_code', 'refresh_token'],
          redirectUris: [callback],
          postLogoutRedirectUris: [home],
        },
      ],
    }),
  ],
});

let stranger: string;
beforeAll(async () => {
  const body = {
    client_name: 'Stranger & Co',
    redirect_uris: [callback],
    post_logout_redirect_uris: [home],
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  };
  stranger = (await sendJson('POST', registrationAddress(server, 'acme'), { body })).json.client_id;
});

const refused: readonly [what: string, params: Record<string, string>, error: string][] = [
  ['with a scope that does not exist', { scope: 'openid nope' }, 'invalid_scope'],
  ['without a verifier', { code_challenge: '', code_challenge_method: '' }, 'invalid_request'],
  ['with prompt=none and nobody signed in', { prompt: 'none' }, 'login_required'],
  ['with a parameter of the wrong form', { max_age: 'x' }, 'invalid_request'],
  ['for another resource', { resource: 'https://nowhere.example' }, 'invalid_target'],
  ['for a response that there is not', { response_type: 'token' }, 'unsupported_response_type'],
  ['that asks for a form', { scope: 'openid nope', response_mode: 'form_post' }, 'invalid_scope'],
  ['that asks for the fragment', { scope: 'openid nope', response_mode: 'fragment' }, 'invalid_scope'],
];
const requestOf = (clientId: string, params: Record<string, string>) =>
  requestUrl(server, { clientId, redirectUri: callback, params });
const linkOf = (text: string) =>
  new URL((/<a class="button[^"]*" href="([^"]+)"/.exec(text)?.[1] ?? '').replaceAll('&amp;', '&'));

describe('an authorization request of a client that registered itself', () => {
  it.each(refused)('is refused on a page, with a link: %s', async (_what, params, error) => {
    const url = requestOf(stranger, params);

    const visitor = createVisitor(server.url);
    const posted = await visitor.post(server.endpoint('acme', 'auth'), Object.fromEntries(url.searchParams));
    const answers = [await get(url.href), await visitor.follow(posted)];

    for (const answer of answers) {
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
      expect(answer.text).toContain('Stranger &amp; Co');
      expect(answer.text).not.toMatch(/<script|http-equiv/);
      const link = linkOf(answer.text);
      const response =
        params['response_mode'] === 'fragment' ? new URLSearchParams(link.hash.slice(1)) : link.searchParams;
      expect(link.origin + link.pathname).toBe(callback);
      expect(Object.fromEntries(response)).toMatchObject({ error, state: 'st', iss: server.issuer('acme') });
    }
  });

  it.each(refused.slice(0, -3))(
    'of a client of the operator’s goes back at once: %s',
    async (_what, params, error) => {
      const answer = await get(requestOf('known', params).href);

      expect(new URL(answer.headers.get('location') ?? '').searchParams.get('error')).toBe(error);
    },
  );

  it('leads to the client once a person has agreed, or has refused', async () => {
    const request = { clientId: stranger, redirectUri: callback };
    const visitor = createVisitor(server.url);

    const agreed = await respond(server, request);
    const asked = await visitor.open(requestUrl(server, request));
    const cancelled = await visitor.submit(asked, {}, '/cancel');

    expect(agreed['code']).toEqual(expect.any(String));
    expect(cancelled.location?.origin).toBe(new URL(callback).origin);
    expect(cancelled.location?.searchParams.get('error')).toBe('access_denied');
  });
});

describe('a logout that names an address', () => {
  const logout = (visitor: Visitor, params: Record<string, string>): Promise<View> =>
    visitor.open(`${server.endpoint('acme', 'logout')}?${new URLSearchParams(params)}`);
  const target = { post_logout_redirect_uri: home, state: 'st' };

  /** Without a session, with the hint of the session, and after it was confirmed. */
  async function logouts(clientId: string): Promise<readonly View[]> {
    const signedIn = await obtain(server, { clientId, redirectUri: callback });
    const again = (await walk(server, { clientId, redirectUri: callback })).visitor;
    const confirmation = await logout(again, { ...target, client_id: clientId });
    return [
      await logout(createVisitor(server.url), { ...target, client_id: clientId }),
      await logout(signedIn.visitor, { ...target, id_token_hint: signedIn.json.id_token }),
      await again.submit(confirmation, { logout: 'yes' }),
    ];
  }

  it('of a client that registered itself ends on our page, with a link', async () => {
    for (const view of await logouts(stranger)) {
      expect([view.status, view.location]).toEqual([200, undefined]);
      expect(view.text).toContain('You are signed out');
      expect(linkOf(view.text).href).toBe(`${home}?state=st`);
    }
  });

  it('of a client of the operator’s goes there at once', async () => {
    const views = await logouts('known');

    expect(views.map(({ location }) => location?.href)).toEqual(views.map(() => `${home}?state=st`));
  });
});
