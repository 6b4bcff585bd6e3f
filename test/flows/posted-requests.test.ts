/** OIDC Core §3.1.2.1 and RP-Initiated Logout §2: requests may be posted, also from another site. */
import { expect, it } from 'vitest';
import { obtainCode } from '../support/browserless.ts';
import { postForm } from '../support/http.ts';
import { acme } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const server = useServer({ realms: [acme()] });

const request = {
  client_id: 'dc-ui',
  redirect_uri: 'http://localhost:3000/demo/callback',
  response_type: 'code',
  scope: 'openid reports:read',
  state: 'a b&c',
  code_challenge: 'c'.repeat(43),
  code_challenge_method: 'S256',
};

it('sends a posted authorization request round by GET, where the session is known', async () => {
  const { agent } = await obtainCode(server, { realm: 'acme' });

  const posted = await postForm(server.endpoint('acme', 'auth'), request);
  const answer = await agent.open(posted.headers.get('location') ?? '');

  expect(posted.status).toBe(303);
  const landed = new URL(answer.headers.get('location') ?? '');
  expect(landed.searchParams.get('state')).toBe('a b&c');
  expect(landed.searchParams.has('code')).toBe(true);
});

it('sends a posted logout request round by GET', async () => {
  const { agent, form } = await obtainCode(server, { realm: 'acme' });
  const { id_token } = (await postForm(server.endpoint('acme', 'token'), form)).json;

  const posted = await postForm(server.endpoint('acme', 'logout'), { id_token_hint: id_token });
  await agent.open(posted.headers.get('location') ?? '');

  expect(posted.status).toBe(303);
  const query = new URLSearchParams({ ...request, prompt: 'none' });
  const after = await agent.open(`${server.endpoint('acme', 'auth')}?${query}`);
  expect(after.headers.get('location')).toContain('error=login_required');
});

it('stays within this realm, whatever is posted', async () => {
  const posted = await postForm(server.endpoint('acme', 'auth'), {
    '//evil.example/': '',
    a: '\r\nLocation: https://evil.example',
  });

  expect(posted.status).toBe(303);
  expect(posted.headers.get('location')?.startsWith(`${server.endpoint('acme', 'auth')}?`)).toBe(true);
});

it.each(['auth', 'logout'])(
  'refuses what is no form at %s, instead of forgetting it on the way',
  async (endpoint) => {
    const answer = await fetch(server.endpoint('acme', endpoint), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      redirect: 'manual',
    });

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_request' });
  },
);

it('refuses a request that no address can hold', async () => {
  const posted = await postForm(server.endpoint('acme', 'auth'), { ...request, state: 'x'.repeat(9000) });

  expect(posted).toMatchObject({ status: 400, json: { error: 'invalid_request' } });
});
