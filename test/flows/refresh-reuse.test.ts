/** Refresh tokens of public clients: what a client may repeat, and what gives a thief away (RFC 9700 §4.14.2). */
import { createHmac } from 'node:crypto';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { type Answer, postForm } from '../support/http.ts';
import { acme, gateway, george } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const server = useServer({
  realms: [acme({ name: 'strict' }), acme({ name: 'keyed', profile: 'keycloak' })],
});

const logIn = async (realm: string): Promise<string> =>
  (await postForm(server.endpoint(realm, 'token'), george)).json.refresh_token;
const refresh = (realm: string, refresh_token: string): Promise<Answer> =>
  postForm(server.endpoint(realm, 'token'), {
    grant_type: 'refresh_token',
    client_id: 'dc-ui',
    refresh_token,
  });
const isActive = async (realm: string, token: string): Promise<boolean> =>
  (await postForm(server.endpoint(realm, 'token/introspect'), { token }, { auth: gateway })).json.active;

describe.each(['strict', 'keyed'])('a spent refresh token of realm %s', (realm) => {
  it('answers with its successor again, as long as nobody has used that', async () => {
    const first = await logIn(realm);

    const answers = [await refresh(realm, first), await refresh(realm, first), await refresh(realm, first)];

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(answers.map(({ json }) => json.refresh_token)).size).toBe(1);
  });

  it.each([1, 2, 3])(
    'is reuse once %i generations after it were used: all of the chain ends',
    async (generations) => {
      const first = await logIn(realm);
      let newest = (await refresh(realm, first)).json;
      for (let used = 0; used < generations; used += 1)
        newest = (await refresh(realm, newest.refresh_token)).json;
      expect(await isActive(realm, newest.access_token)).toBe(true);

      const stolen = await refresh(realm, first);

      expect([stolen.status, stolen.json.error]).toEqual([400, 'invalid_grant']);
      expect(await isActive(realm, newest.access_token)).toBe(false);
      expect((await refresh(realm, newest.refresh_token)).status).toBe(400);
    },
  );
});

describe('a refresh token that is a JWT', () => {
  const forge = (token: string, change: (parts: [string, string, string]) => readonly string[]): string => {
    const [header = '', payload = '', signature = ''] = token.split('.');
    return change([header, payload, signature]).join('.');
  };
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = encoded({ alg: 'none', typ: 'JWT' });

  const forgeries: readonly [what: string, of: (token: string) => string][] = [
    ['its jti', (token) => decodeJwt(token).jti ?? ''],
    ['its jti with our prefix', (token) => `dpr_${decodeJwt(token).jti}`],
    [
      'another signature',
      (token) =>
        forge(token, ([header, payload, signature]) => [header, payload, `${signature.slice(0, -4)}AAAA`]),
    ],
    ['no signature', (token) => forge(token, ([header, payload]) => [header, payload, ''])],
    ['a part less', (token) => forge(token, ([header, payload]) => [header, payload])],
    ['the algorithm none', (token) => forge(token, ([, payload]) => [unsigned, payload, ''])],
    [
      'another claim',
      (token) =>
        forge(token, ([header, , signature]) => [
          header,
          encoded({ ...decodeJwt(token), scope: 'x' }),
          signature,
        ]),
    ],
    [
      'a signature by an empty key',
      (token) =>
        forge(token, ([header, payload]) => [
          header,
          payload,
          createHmac('sha512', '').update(`${header}.${payload}`).digest('base64url'),
        ]),
    ],
  ];

  it.each(forgeries)('counts only as it was signed: %s is nothing, at every endpoint', async (_what, of) => {
    const token = await logIn('keyed');
    const forged = of(token);

    const refused = await refresh('keyed', forged);
    const active = await isActive('keyed', forged);
    await postForm(server.endpoint('keyed', 'revoke'), { client_id: 'dc-ui', token: forged });
    await postForm(server.endpoint('keyed', 'logout'), { client_id: 'dc-ui', refresh_token: forged });

    expect([refused.status, refused.json.error, active]).toEqual([400, 'invalid_grant', false]);
    expect((await refresh('keyed', token)).status).toBe(200);
  });
});
