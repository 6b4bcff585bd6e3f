/** RFC 8707: which API a token is for, one at a time, and RFC 9068: what a JWT for one says. */
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { describe, expect, it } from 'vitest';
import { obtainCode } from '../support/browserless.ts';
import { type Answer, get, postForm } from '../support/http.ts';
import { acme, analytics, engine, gateway, george, warehouse } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const quick = ['quick', 'quick-secret'] as const;

const server = useServer({
  realms: [
    acme({
      apis: [
        ...acme().apis,
        { id: 'brief', audience: 'https://brief.acme.test', permissions: [], tokens: { ttl: 60 } },
      ],
      roles: [...acme().roles, { name: 'analyst-of-both', includes: ['analyst', 'engine'], permissions: [] }],
      clients: [
        ...acme().clients,
        {
          id: 'quick',
          secret: 'quick-secret',
          grants: ['client_credentials'],
          roles: ['engine'],
          accessTokenTtl: 120,
        },
      ],
      users: [{ username: 'george.becker', password: 'my_password', roles: ['analyst-of-both'] }],
    }),
    { name: 'bare', clients: [{ id: 'svc', secret: 'svc-secret', grants: ['client_credentials'] }] },
  ],
});

type Form = Readonly<Record<string, string>> | readonly (readonly [string, string])[];
const token = (form: Form, auth?: readonly [string, string]) =>
  postForm(server.endpoint('acme', 'token'), form, auth && { auth });
const audienceOf = async ({ json }: Answer): Promise<unknown> =>
  (
    await postForm(
      server.endpoint('acme', 'token/introspect'),
      { token: json.access_token },
      { auth: gateway },
    )
  ).json.aud;
const entries = (form: Record<string, string>) => Object.entries(form);
const twice = [
  ['resource', analytics],
  ['resource', warehouse],
] as const;

const service = { grant_type: 'client_credentials' };

describe('the audience', () => {
  it('is the default API where none is named', async () => {
    expect(await audienceOf(await token(service, engine))).toBe(analytics);
    expect(await audienceOf(await token(george))).toBe(analytics);
  });

  it('is the one that is named', async () => {
    expect(await audienceOf(await token({ ...service, resource: warehouse }, engine))).toBe(warehouse);
    expect(await audienceOf(await token({ ...george, resource: warehouse }))).toBe(warehouse);
  });

  it('is the realm itself where there is no API', async () => {
    const auth = ['svc', 'svc-secret'] as const;
    const { json } = await postForm(server.endpoint('bare', 'token'), service, { auth });

    const answer = await postForm(
      server.endpoint('bare', 'token/introspect'),
      { token: json.access_token },
      { auth },
    );

    expect(answer.json).toMatchObject({ active: true, aud: server.issuer('bare') });
  });

  it('stays that of the login at a refresh, also when it is named again', async () => {
    const login = await token({ ...george, resource: warehouse });
    const form = { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token: login.json.refresh_token };

    const same = await token(form);
    const named = await token({ ...form, refresh_token: same.json.refresh_token, resource: warehouse });

    expect([await audienceOf(same), await audienceOf(named)]).toEqual([warehouse, warehouse]);
  });

  it('can be chosen from several that were authorized', async () => {
    const { form } = await obtainCode(server, {
      realm: 'acme',
      scope: 'reports:read warehouse:query',
      params: { resource: warehouse },
    });

    const redeemed = await token({ ...form, resource: warehouse });

    expect(await audienceOf(redeemed)).toBe(warehouse);
    expect(redeemed.json.scope).toBe('warehouse:query');
  });
});

describe('invalid_target', () => {
  const refreshForm = async () => {
    const login = await token(george);
    return { grant_type: 'refresh_token', client_id: 'dc-ui', refresh_token: login.json.refresh_token };
  };

  it.each(['https://nowhere.test', 'not-a-uri', `${analytics}#part`, `${analytics}/`])(
    'for %s',
    async (resource) => {
      const answers = [
        await token({ ...service, resource }, engine),
        await token({ ...george, resource }),
        await token({ ...(await refreshForm()), resource }),
      ];

      expect(answers.map(({ status, json }) => [status, json.error])).toEqual(
        answers.map(() => [400, 'invalid_target']),
      );
    },
  );

  it('for more than one at once', async () => {
    const code = await obtainCode(server, { realm: 'acme' });

    const answers = [
      await token([...entries(service), ...twice], engine),
      await token([...entries(george), ...twice]),
      await token([...entries(await refreshForm()), ...twice]),
      await token([...Object.entries(code.form), ...twice]),
    ];

    expect(answers.map(({ status, json }) => [status, json.error])).toEqual(
      answers.map(() => [400, 'invalid_target']),
    );
  });

  it('for one that was not authorized', async () => {
    const { form } = await obtainCode(server, { realm: 'acme' });

    const refreshed = await token({ ...(await refreshForm()), resource: warehouse });
    const redeemed = await token({ ...form, resource: warehouse });

    expect(refreshed).toMatchObject({ status: 400, json: { error: 'invalid_target' } });
    expect(redeemed).toMatchObject({ status: 400, json: { error: 'invalid_target' } });
  });
});

describe("a token's life", () => {
  it.each([
    ['of the realm', engine, {}, 1800],
    ['of the API', engine, { resource: 'https://brief.acme.test' }, 60],
    ['of the client', quick, {}, 120],
    ['of the client before that of the API', quick, { resource: 'https://brief.acme.test' }, 120],
  ] as const)('is that %s', async (_of, auth, extra, expected) => {
    const answer = await token({ ...service, ...extra }, auth);

    expect(answer.json.expires_in).toBe(expected);
  });
});

describe('a JWT (RFC 9068)', () => {
  it('of a service says who and for what', async () => {
    const { json } = await token({ ...service, resource: warehouse }, engine);

    const keys = createRemoteJWKSet(new URL(server.endpoint('acme', 'certs')));
    const { payload, protectedHeader } = await jwtVerify(json.access_token, keys, {
      issuer: server.issuer('acme'),
      audience: warehouse,
      typ: 'at+jwt',
    });

    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
    expect(payload).toEqual({
      iss: server.issuer('acme'),
      aud: warehouse,
      sub: 'ds-engine',
      client_id: 'ds-engine',
      scope: 'warehouse:query',
      realm: 'acme',
      roles: ['engine'],
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 1800,
      jti: expect.any(String),
    });
  });

  it('of a person says the same as introspection', async () => {
    const { json } = await token({ ...george, resource: warehouse, scope: 'openid warehouse:query' });

    const claims = decodeJwt(json.access_token);
    const answer = await postForm(
      server.endpoint('acme', 'token/introspect'),
      { token: json.access_token },
      { auth: gateway },
    );

    const { active, token_type, ...described } = answer.json;
    expect([active, token_type]).toEqual([true, 'Bearer']);
    expect(described).toEqual(claims);
    expect(claims).toMatchObject({ username: 'george.becker', roles: ['analyst-of-both'] });
  });

  it('is accepted by oauth4webapi as a resource server would', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.issuer('acme'));
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const { json } = await token({ ...service, resource: warehouse }, engine);
    const request = new Request(warehouse, { headers: { authorization: `Bearer ${json.access_token}` } });

    const claims = await oauth.validateJwtAccessToken(as, request, warehouse, insecure);

    expect(claims).toMatchObject({ client_id: 'ds-engine', scope: 'warehouse:query' });
  });

  it('is never confused with an ID token, nor opens userinfo when tampered with', async () => {
    const { json } = await token({ ...george, resource: warehouse, scope: 'openid' });
    const [header, payload, signature] = json.access_token.split('.');
    const userinfo = (value: string) =>
      get(server.endpoint('acme', 'userinfo'), { authorization: `Bearer ${value}` });

    const real = await userinfo(json.access_token);
    const idToken = await userinfo(json.id_token);
    const unsigned = await userinfo(`${header}.${payload}.`);
    const changed = await userinfo(`${header}.${payload}.${[...signature].toReversed().join('')}`);

    expect(decodeProtectedHeader(json.id_token).typ).not.toBe('at+jwt');
    expect([real, idToken, unsigned, changed].map(({ status }) => status)).toEqual([200, 401, 401, 401]);
  });
});
