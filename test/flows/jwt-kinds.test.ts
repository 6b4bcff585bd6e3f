/** Each JWT that a realm signs is taken for what it is and for nothing else, by each reader (RFC 8725 §3.12). */
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callback } from '../support/authorization.ts';
import { type Answer, get, postForm } from '../support/http.ts';
import { assertionType } from '../support/proofs.ts';
import { george, warehouse } from '../support/realms.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  call,
  detail,
  EXCHANGE,
  grant,
  guestRealm,
  ID_TOKEN,
  JWT,
  mints,
} from './guest-support.ts';

const CIBA = 'urn:openid:params:grant-type:ciba';
const app = ['app', 'app-secret'] as const;

/** One client that may do everything, so that nothing is refused for another reason. */
const clientOf = (receiver: Receiver) => ({
  id: 'app',
  secret: 'app-secret',
  firstParty: true,
  grants: ['password', 'authorization_code', 'refresh_token', 'client_credentials', EXCHANGE, CIBA],
  redirectUris: [callback],
  roles: ['engine'],
  introspects: ['analytics', 'warehouse'],
  mints: { ...mints, apis: ['analytics', 'warehouse'], subjectsFrom: ['app'] },
  userinfoSignedResponseAlg: 'ES256',
  idTokenSignedResponseAlg: 'ES256',
  introspectionSignedResponseAlg: 'ES256',
  backchannelTokenDeliveryMode: 'poll',
  backchannelLogoutUri: `${receiver.url}/logout`,
});

let receiver: Receiver;
let server: TestServer;
beforeAll(async () => {
  receiver = await startReceiver(200);
  const more = { clients: [clientOf(receiver)] };
  server = await startTestServer({
    realms: [guestRealm({}, more), guestRealm({ name: 'keyed', profile: 'keycloak' }, more)],
    env: { DAYPASS_ALLOW_PRIVATE_FETCH: '1' },
  });
});
afterAll(() => Promise.all([server?.stop(), receiver?.stop()]));

const post = (realm: string, endpoint: string, form: Record<string, string>, headers = {}) =>
  postForm(server.endpoint(realm, endpoint), form, { auth: app, headers });

async function logIn(realm: string, form: Record<string, string> = {}): Promise<Answer['json']> {
  const { client_id: _, ...person } = george;
  return (
    await post(realm, 'token', { ...person, scope: 'openid warehouse:query', resource: warehouse, ...form })
  ).json;
}

type Kind = 'access' | 'id' | 'userinfo' | 'introspection' | 'logout' | 'guest' | 'status' | 'refresh';

/** One living JWT of each kind that the realm signs. */
async function jwtsOf(realm: string): Promise<Record<Kind, string>> {
  const login = await logIn(realm);
  const { access_token: access, id_token: id, refresh_token: refresh } = login;
  const bearer = { authorization: `Bearer ${access}` };
  const asJwt = { accept: 'application/token-introspection+jwt' };
  const userinfo = (await get(server.endpoint(realm, 'userinfo'), bearer)).text;
  const introspection = (await post(realm, 'token/introspect', { token: access }, asJwt)).text;
  const guest = (await call(server, 'POST', '/guest-tokens', grant({ format: 'jwt' }), { auth: app, realm }))
    .json.token;
  const { status_list: place } = decodeJwt<{ status: { status_list: { uri: string } } }>(guest).status;
  const status = (await get(place.uri, { accept: 'application/statuslist+jwt' })).text;
  const logout = await logoutToken(realm);
  return { access, id, userinfo, introspection, logout, guest, status, refresh };
}

async function logoutToken(realm: string): Promise<string> {
  const other = await logIn(realm);
  await post(realm, 'logout', { refresh_token: other.refresh_token });
  const { form } = await receiver.find((sent) => issuerOf(sent.form) === server.issuer(realm));
  return form.get('logout_token') ?? '';
}

const issuerOf = (form: URLSearchParams) => decodeJwt(form.get('logout_token') ?? '').iss;

type Reader = (realm: string, value: string) => Promise<boolean>;

const exchanged =
  (type: string): Reader =>
  async (realm, value) => {
    const details = [detail({ rows: 'all' })];
    const answer = await post(realm, 'token', {
      grant_type: EXCHANGE,
      subject_token: value,
      subject_token_type: type,
      authorization_details: JSON.stringify(details),
    });
    return answer.json.error !== 'invalid_request';
  };

const readers: Readonly<Record<string, readonly [read: Reader, accepted: readonly Kind[]]>> = {
  'a subject token that is an ID token': [exchanged(ID_TOKEN), ['id']],
  'a subject token that is an access token': [exchanged(ACCESS_TOKEN), ['access', 'guest']],
  'a subject token that is an assertion': [exchanged(JWT), []],
  'an actor token': [
    async (realm, value) => {
      const own = await post(realm, 'token', { grant_type: 'client_credentials' });
      const answer = await post(realm, 'token', {
        grant_type: EXCHANGE,
        subject_token: own.json.access_token,
        subject_token_type: ACCESS_TOKEN,
        actor_token: value,
        actor_token_type: ACCESS_TOKEN,
        authorization_details: JSON.stringify([
          detail(),
          { type: 'embed_session', subject: { tenant: 'a', id: 'b' } },
        ]),
      });
      return answer.status === 200;
    },
    ['access'],
  ],
  'a hint of an authorization request': [
    async (realm, value) => {
      const query = new URLSearchParams({
        client_id: 'app',
        response_type: 'code',
        redirect_uri: callback,
        scope: 'openid',
        prompt: 'none',
        id_token_hint: value,
        code_challenge: 'x'.repeat(43),
        code_challenge_method: 'S256',
      });
      const answer = await get(`${server.endpoint(realm, 'auth')}?${query}`);
      return new URL(answer.headers.get('location') ?? '').searchParams.get('error') === 'login_required';
    },
    ['id'],
  ],
  'a hint of a logout': [
    async (realm, value) =>
      (await get(`${server.endpoint(realm, 'logout')}?id_token_hint=${value}`)).status === 200,
    ['id'],
  ],
  'a hint of an authentication request': [
    async (realm, value) =>
      (await post(realm, 'ext/ciba/auth', { scope: 'openid', id_token_hint: value })).status === 200,
    ['id'],
  ],
  introspection: [
    async (realm, value) => (await post(realm, 'token/introspect', { token: value })).json.active,
    ['access', 'guest', 'refresh'],
  ],
  userinfo: [
    async (realm, value) =>
      (await get(server.endpoint(realm, 'userinfo'), { authorization: `Bearer ${value}` })).status === 200,
    ['access'],
  ],
  'the guest API': [
    async (realm, value) => {
      const headers = { authorization: `Bearer ${value}` };
      return (await call(server, 'POST', '/guest-tokens/revoke', {}, { realm, headers })).status !== 401;
    },
    [],
  ],
  'a refresh': [
    async (realm, value) =>
      (await post(realm, 'token', { grant_type: 'refresh_token', refresh_token: value })).status === 200,
    ['refresh'],
  ],
  'a client assertion': [
    async (realm, value) => {
      const form = {
        grant_type: 'client_credentials',
        client_assertion: value,
        client_assertion_type: assertionType,
      };
      return (await postForm(server.endpoint(realm, 'token'), form)).status === 200;
    },
    [],
  ],
};

describe.each(['acme', 'keyed'])('the JWTs of realm %s', (realm) => {
  it('have marks that differ', async () => {
    const { refresh: _, ...jwts } = await jwtsOf(realm);

    const marks = Object.values(jwts).map((jwt) => [decodeProtectedHeader(jwt).typ, decodeJwt(jwt)['typ']]);

    expect(new Set(marks.map((mark) => JSON.stringify(mark))).size).toBe(realm === 'acme' ? 6 : 7);
    expect(marks.every((mark) => mark.some((part) => part !== undefined))).toBe(true);
  });

  it.each(Object.entries(readers))('%s is read of its own kind alone', async (_name, [read, accepted]) => {
    const taken: string[] = [];
    for (const [kind, value] of Object.entries(await jwtsOf(realm))) {
      if (await read(realm, value)) taken.push(kind);
    }

    expect(taken).toEqual(accepted);
  });
});
