/** APIs and gateways that ask about tokens in the ways that frameworks and proxies do. */
import { describe, expect, it } from 'vitest';
import { demoRealm, george } from '../support/demo.ts';
import { basic, postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';

const server = useServer({ realms: [demoRealm('acme'), demoRealm('globex')] });

const realms = [
  {
    realm: 'acme',
    api: ['gateway', 'gateway-secret'],
    clientId: 'dc-ui',
    audience: 'https://analytics.acme.test',
  },
  { realm: 'globex', api: ['web', 'web-secret'], clientId: 'spa', audience: 'https://analytics.globex.test' },
] as const;

const tokenOf = async (realm: string, clientId: string): Promise<string> =>
  (
    await postForm(server.endpoint(realm, 'token'), {
      grant_type: 'password',
      client_id: clientId,
      scope: 'reports:read',
      ...george,
    })
  ).json.access_token;

type Answer = { readonly status: number; readonly type: string; readonly text: string };

async function introspect(realm: string, body: string, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(server.endpoint(realm, 'token/introspect'), { method: 'POST', body, headers });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
}

describe.each(realms)('in realm $realm', ({ realm, api, clientId, audience }) => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  it('a Spring resource server finds all that its opaque token introspector reads', async () => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
      accept: 'application/json',
      authorization: basic(api),
    };

    const answer = await introspect(realm, `token=${await tokenOf(realm, clientId)}`, headers);

    const claims = JSON.parse(answer.text);
    expect(answer.status).toBe(200);
    expect(answer.type).toMatch(/^application\/json/);
    expect(claims).toMatchObject({
      active: true,
      scope: 'reports:read',
      client_id: clientId,
      sub: expect.any(String),
      aud: audience,
      iss: server.issuer(realm),
      exp: expect.any(Number),
      iat: expect.any(Number),
      username: george.username,
    });
    expect(Number.isInteger(claims.exp)).toBe(true);
    expect(URL.canParse(claims.iss)).toBe(true);
  });

  it.each([
    ['a proxy that gives a hint and takes anything', 'token_type_hint=access_token', { accept: '*/*' }],
    ['a proxy that sends no Accept header of note', '', { accept: 'text/html, application/json;q=0.5' }],
    ['a proxy in a hurry', '', { connection: 'close' }],
  ])('%s gets JSON', async (_name, more, headers) => {
    const token = await tokenOf(realm, clientId);

    const answer = await introspect(realm, `token=${token}&${more}`, {
      ...form,
      ...headers,
      authorization: basic(api),
    });

    expect(answer.type).toMatch(/^application\/json/);
    expect(JSON.parse(answer.text)).toMatchObject({ active: true });
  });

  it('a proxy that posts its secret in the form gets an answer too', async () => {
    const [id, secret] = api;
    const body = new URLSearchParams({
      token: await tokenOf(realm, clientId),
      client_id: id,
      client_secret: secret,
    });

    const answer = await introspect(realm, body.toString(), form);

    expect(JSON.parse(answer.text)).toMatchObject({ active: true });
  });

  it('who may not know learns nothing', async () => {
    const token = await tokenOf(realm, clientId);

    const nonsense = await introspect(realm, 'token=nonsense', { ...form, authorization: basic(api) });
    const stranger = await introspect(realm, `token=${token}`, {
      ...form,
      authorization: basic([api[0], 'wrong-secret']),
    });

    expect(JSON.parse(nonsense.text)).toEqual({ active: false });
    expect(stranger.status).toBe(401);
  });
});
