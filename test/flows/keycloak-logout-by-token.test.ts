/** `POST /logout` with a refresh token, as Keycloak's clients log out: in both profiles. */
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { type Agent, createAgent, obtainCode, signInWhereAsked } from '../support/browserless.ts';
import { get, postForm } from '../support/http.ts';
import { acme, engine, gateway, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const web = ['web', 'web-secret'] as const;
const contents = acme({
  clients: [
    ...acme().clients,
    { id: 'web', secret: 'web-secret', grants: ['password', 'refresh_token'] },
    { id: 'other', public: true, grants: ['password', 'refresh_token'] },
  ],
});

const server = useServer({
  realms: [
    { ...contents, name: 'strict' },
    { ...contents, name: 'keycloak', profile: 'keycloak' },
  ],
});

/** OIDC Core §11: offline access is only given with the person's consent. */
async function consentToOfflineAccess(agent: Agent, realm: string) {
  const verifier = 'v'.repeat(43);
  const request = { client_id: 'dc-ui', redirect_uri: 'http://localhost:3000/demo/callback' };
  const query = new URLSearchParams({
    ...request,
    response_type: 'code',
    scope: 'openid offline_access',
    prompt: 'consent',
    code_challenge: sha256(verifier),
    code_challenge_method: 'S256',
  });
  const first = await agent.open(`${server.endpoint(realm, 'auth')}?${query}`);
  const page = await signInWhereAsked(agent, { realm, agent }, first);
  const answer = await signInWhereAsked(
    agent,
    { realm, agent },
    await agent.submit(page, { decision: 'allow' }),
  );
  const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? '';
  return { grant_type: 'authorization_code', ...request, code, code_verifier: verifier };
}

describe.each(['strict', 'keycloak'])('in a %s realm', (realm) => {
  const post = (name: string, form: Record<string, string>, auth?: readonly [string, string]) =>
    postForm(server.endpoint(realm, name), form, auth && { auth });
  const logIn = async (form: Record<string, string> = george, auth?: readonly [string, string]) =>
    (await post('token', { ...form, scope: form['scope'] ?? 'openid' }, auth)).json;
  const isActive = async (token: string): Promise<boolean> =>
    (await post('token/introspect', { token }, gateway)).json.active;
  const refresh = (refresh_token: string) =>
    post('token', { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token });

  it('ends the session: 204, no body, every token of it dead', async () => {
    const login = await logIn();
    const refreshed = (await refresh(login.refresh_token)).json;

    const answer = await post('logout', { client_id: 'dc-ui', refresh_token: refreshed.refresh_token });

    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await Promise.all([login, refreshed].map(({ access_token }) => isActive(access_token)))).toEqual([
      false,
      false,
    ]);
    const userinfo = await get(server.endpoint(realm, 'userinfo'), {
      authorization: `Bearer ${refreshed.access_token}`,
    });
    expect(userinfo.status).toBe(401);
    expect(await refresh(refreshed.refresh_token)).toMatchObject({
      status: 400,
      json: { error: 'invalid_grant' },
    });
  });

  it('ends the session of the browser too', async () => {
    const agent = createAgent(server.url);
    const { form } = await obtainCode(server, { realm, agent });
    const login = (await post('token', form)).json;

    await post('logout', { client_id: 'dc-ui', refresh_token: login.refresh_token });

    const query = new URLSearchParams({
      client_id: 'dc-ui',
      redirect_uri: 'http://localhost:3000/demo/callback',
      response_type: 'code',
      prompt: 'none',
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 'S256',
    });
    const again = await agent.open(`${server.endpoint(realm, 'auth')}?${query}`);
    expect(again.headers.get('location')).toContain('error=login_required');
  });

  it('is idempotent, and nothing happens for what was made up', async () => {
    const { refresh_token } = await logIn();
    await post('logout', { client_id: 'dc-ui', refresh_token });

    const again = await post('logout', { client_id: 'dc-ui', refresh_token });
    const madeUp = await post('logout', { client_id: 'dc-ui', refresh_token: 'made-up' });

    expect([again.status, madeUp.status]).toEqual([204, 204]);
  });

  it("refuses another client's token and leaves its session alone", async () => {
    const login = await logIn();

    const answer = await post('logout', { client_id: 'other', refresh_token: login.refresh_token });

    expect(answer).toMatchObject({
      status: 400,
      json: {
        error: 'invalid_grant',
        error_description: "Invalid refresh token. Token client and authorized client don't match",
      },
    });
    expect(await isActive(login.access_token)).toBe(true);
  });

  it('authenticates a confidential client', async () => {
    const { client_id: _, ...person } = george;
    const login = await logIn(person, web);

    const unproven = await post('logout', { client_id: 'web', refresh_token: login.refresh_token });
    const wrong = await post('logout', { refresh_token: login.refresh_token }, ['web', 'not-the-secret']);
    const alive = await isActive(login.access_token);
    const proven = await post('logout', { refresh_token: login.refresh_token }, web);

    expect([unproven.status, wrong.status, alive, proven.status]).toEqual([401, 401, true, 204]);
    expect(await isActive(login.access_token)).toBe(false);
  });

  it('does not end a session for an access token', async () => {
    const login = await logIn();

    const answer = await post('logout', { client_id: 'dc-ui', refresh_token: login.access_token });

    expect(answer.status).toBe(204);
    expect(await isActive(login.access_token)).toBe(true);
  });

  it('gives up offline access without ending the session', async () => {
    const agent = createAgent(server.url);
    const first = await obtainCode(server, { realm, agent, scope: 'openid reports:read' });
    const online = (await post('token', first.form)).json;
    const offline = (await post('token', await consentToOfflineAccess(agent, realm))).json;

    await post('logout', { client_id: 'dc-ui', refresh_token: offline.refresh_token });

    expect(online.session_state).toBe(offline.session_state);
    expect(await refresh(offline.refresh_token)).toMatchObject({ status: 400 });
    const third = await obtainCode(server, { realm, agent });
    expect(await post('token', third.form)).toMatchObject({
      status: 200,
      json: { session_state: online.session_state },
    });
  });

  it('does not touch what a service has', async () => {
    const service = (await post('token', { grant_type: 'client_credentials' }, engine)).json;
    const { refresh_token } = await logIn();

    await post('logout', { client_id: 'dc-ui', refresh_token });

    expect(await isActive(service.access_token)).toBe(true);
  });
});
