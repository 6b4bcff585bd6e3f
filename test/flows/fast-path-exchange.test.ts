/** Token exchange on the fast path and on the library's: alike in what is answered, written and refused. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, basic, postForm } from '../support/http.ts';
import { george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  detail,
  EXCHANGE,
  guestRealm,
  ID_TOKEN,
  introspect,
  mints,
  other,
  ownToken,
  portal,
  session,
} from './guest-support.ts';

/** `Accept` with "jwt" in it leaves a request to the library's path; JSON stays preferred. */
const libraryPath = { accept: 'application/json, application/x-jwt;q=0.1' };
const REFRESH_TOKEN = 'urn:ietf:params:oauth:token-type:refresh_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

const bound = {
  id: 'bound',
  secret: 'bound-secret',
  grants: ['client_credentials', EXCHANGE],
  dpopBoundAccessTokens: true,
  mints,
};
const bridge = {
  id: 'bridge',
  secret: 'bridge-secret',
  grants: ['client_credentials', EXCHANGE],
  roles: ['engine'],
  exchanges: ['warehouse'],
  mints,
};
const plain = { id: 'plain', secret: 'plain-secret', grants: ['client_credentials', EXCHANGE] };

let server: TestServer;
let own: string;
let user: string;
beforeAll(async () => {
  server = await startTestServer({ realms: [guestRealm({}, { clients: [bound, plain, bridge] })] });
  own = await ownToken(server);
  user = (await postForm(server.endpoint('acme', 'token'), george)).json.access_token;
});
afterAll(() => server?.stop());

/** Values that are new each time, and times: the two answers may fall into two seconds. */
const volatile = ['access_token', 'refresh_token', 'expires_in', 'expires_at', 'refresh_expires_in'];

function said({ status, headers, json }: Answer) {
  const body = Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, volatile.includes(name) ? typeof value : value]),
  );
  const names = ['content-type', 'cache-control', 'pragma', 'www-authenticate', 'ratelimit-policy'];
  return { status, body, headers: Object.fromEntries(names.map((name) => [name, headers.get(name)])) };
}

type Form = Readonly<Record<string, string>>;

const asked = (subject: string, details: unknown = [detail(), session()], more: Form = {}): Form => ({
  grant_type: EXCHANGE,
  subject_token: subject,
  subject_token_type: ACCESS_TOKEN,
  authorization_details: typeof details === 'string' ? details : JSON.stringify(details),
  ...more,
});

async function bothWays(form: Form, auth: readonly [string, string] = portal) {
  const url = server.endpoint('acme', 'token');
  const headers = { authorization: basic(auth) };
  const short = await postForm(url, form, { headers });
  const long = await postForm(url, form, { headers: { ...headers, ...libraryPath } });
  expect(said(short)).toEqual(said(long));
  return { short, long };
}

describe('an exchange on the fast path', () => {
  it.each<[string, () => Form, number]>([
    ["the client's own token", () => asked(own), 200],
    ["a user's token", () => asked(user), 200],
    ['a JWT', () => asked(own, undefined, { requested_token_type: JWT }), 200],
    ['a refresh token too', () => asked(own, undefined, { requested_token_type: REFRESH_TOKEN }), 200],
    ['a scope', () => asked(own, undefined, { scope: 'guest:view guest:filter' }), 200],
    ['a scope with two spaces', () => asked(own, undefined, { scope: 'guest:view  guest:filter' }), 400],
    ['an unknown scope', () => asked(own, undefined, { scope: 'guest:fly' }), 400],
    ['an unknown type of token', () => asked(own, undefined, { requested_token_type: 'urn:x' }), 400],
    ['another type of subject', () => asked(own, undefined, { subject_token_type: ID_TOKEN }), 400],
    ['a token that nobody has', () => asked('dpa_nothing'), 400],
    ['no details', () => ({ ...asked(own), authorization_details: '' }), 400],
    ['details that are not JSON', () => asked(own, '[{'), 400],
    ['details of another type', () => asked(own, [{ type: 'payment' }]), 400],
    ['an action beyond the ceiling', () => asked(own, [detail({ actions: ['sql'] }), session()]), 400],
    ['a life beyond the ceiling', () => asked(own, [detail(), session({ lifetime: { ttl: 1e6 } })]), 400],
    ['an unknown parameter', () => asked(own, undefined, { fancy: 'yes' }), 200],
    ['an actor', () => asked(own, undefined, { actor_token: user, actor_token_type: ACCESS_TOKEN }), 200],
  ])('answers %s as the long one does', async (_name, form, status) => {
    const { short } = await bothWays(form());

    expect(short.status).toBe(status);
  });

  it("answers another client's token, a client that may not mint and one whose tokens are bound alike", async () => {
    expect((await bothWays(asked(own), other)).short.status).toBe(400);
    expect((await bothWays(asked(own), ['plain', 'plain-secret'])).short.status).toBe(400);
    expect((await bothWays(asked(own), ['portal', 'wrong'])).short.status).toBe(401);
    const { short } = await bothWays(asked(own), ['bound', 'bound-secret']);
    expect(short.status).toBe(400);
  });

  it.each([
    ['for another API', { audience: 'warehouse' }, 200],
    ['for an API that is not there', { audience: 'nowhere' }, 400],
    ['for a scope that does not exist', { audience: 'warehouse', scope: 'fly' }, 400],
  ])('leaves an exchange %s to the long one', async (_name, more, status) => {
    const auth = ['bridge', 'bridge-secret'] as const;
    const subject = await ownToken(server, auth);

    const { short } = await bothWays({ ...asked(subject, '', more) }, auth);

    expect(short.status).toBe(status);
  });

  it('makes a token that says, shows and dies the same', async () => {
    const subject = await ownToken(server);
    const { short, long } = await bothWays(asked(subject));
    const [one, two] = [short.json.access_token, long.json.access_token];
    const shown = async (token: string) => {
      const { json } = await introspect(server, token);
      return { ...json, jti: '', gid: '', id: '', iat: 0, exp: 0 };
    };

    expect(await shown(one)).toEqual(await shown(two));
    expect((await shown(one)).active).toBe(true);

    await postForm(server.endpoint('acme', 'revoke'), { token: subject }, { auth: portal });
    for (const token of [one, two]) {
      expect((await introspect(server, token)).json).toEqual({ active: false, guest_reason: 'revoked' });
    }
    expect((await bothWays(asked(subject))).short.json.error).toBe('invalid_request');
  });
});
