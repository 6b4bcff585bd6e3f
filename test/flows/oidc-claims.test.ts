/** What a client learns of a person, and where. */

import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { obtain, type Request, userinfo } from '../support/authorization.ts';
import { get, postForm } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { useServer } from '../support/use-server.ts';
import { browserRealm } from './oidc-realm.ts';

let server: TestServer;
const ada = { username: 'ada', password: 'ada_password' };

beforeAll(async () => {
  server = await startTestServer({
    realms: [browserRealm(), browserRealm({ name: 'keyed', profile: 'keycloak' })],
  });
});
afterAll(() => server?.stop());

async function learned(request: Request) {
  const { json, claims } = await obtain(server, request);
  const { json: info } = await userinfo(server, json.access_token, request.realm);
  return { claims, info };
}

const everything = 'openid profile email address phone';
const personal = {
  name: 'George Becker',
  given_name: 'George',
  family_name: 'Becker',
  preferred_username: 'george.becker',
  email: 'george@acme.test',
  email_verified: true,
  phone_number: '+49301234567',
  phone_number_verified: false,
  address: { country: 'DE', locality: 'Berlin' },
};

describe('claims by scope', () => {
  it('are at userinfo', async () => {
    const { info } = await learned({ params: { scope: everything } });

    expect(info).toMatchObject({ ...personal, sub: expect.any(String), updated_at: expect.any(Number) });
  });

  it.each([
    ['openid', ['sub']],
    ['openid email', ['email', 'email_verified', 'sub']],
    ['openid phone', ['phone_number', 'phone_number_verified', 'sub']],
    ['openid address', ['address', 'sub']],
  ])('are those of %s and no others', async (scope, names) => {
    const { info } = await learned({ params: { scope } });

    expect(Object.keys(info).toSorted()).toEqual(names);
  });

  it('are not in the ID token', async () => {
    const { claims } = await learned({ params: { scope: everything } });

    expect(Object.keys(claims).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'sid', 'sub', 'typ']);
  });

  it('are in the ID token too for a client that wants them there', async () => {
    const { claims } = await learned({ clientId: 'claims', params: { scope: everything } });

    expect(claims).toMatchObject(personal);
  });

  it('of other scopes are not in the ID token of such a client', async () => {
    const { claims } = await learned({ clientId: 'claims', params: { scope: 'openid email' } });

    expect(claims).toHaveProperty('email');
    expect(claims).not.toHaveProperty('name');
  });

  it('leave out what is not known', async () => {
    const { info } = await learned({ person: ada, params: { scope: everything } });

    expect(info).not.toHaveProperty('phone_number');
    expect(Object.values(info)).not.toContain(null);
  });
});

describe('claims by name', () => {
  const asked = (claims: object) => ({ params: { scope: 'openid', claims: JSON.stringify(claims) } });

  it('are in the ID token where they were asked for', async () => {
    const { claims, info } = await learned(asked({ id_token: { email: null, name: { essential: true } } }));

    expect(claims).toMatchObject({ email: personal.email, name: personal.name });
    expect(Object.keys(info)).toEqual(['sub']);
  });

  it('are at userinfo where they were asked for', async () => {
    const { claims, info } = await learned(
      asked({ userinfo: { email: null, address: { essential: true } } }),
    );

    expect(info).toMatchObject({ email: personal.email, address: personal.address });
    expect(claims).not.toHaveProperty('email');
  });

  it('are at userinfo for a refreshed token as well', async () => {
    const { json } = await obtain(server, asked({ userinfo: { email: null } }));
    const refreshed = await postForm(server.endpoint('acme', 'token'), {
      grant_type: 'refresh_token',
      refresh_token: json.refresh_token,
      client_id: 'app',
    });

    const { json: info } = await userinfo(server, refreshed.json.access_token);

    expect(info).toHaveProperty('email');
  });

  it('that are not known are no fault', async () => {
    const { claims } = await learned(
      asked({ id_token: { no_such_claim: null, website: { essential: true } } }),
    );

    expect(claims).not.toHaveProperty('website');
  });

  it('are for one person when sub is among them', async () => {
    const { claims } = await learned({});
    const { json } = await obtain(server, asked({ id_token: { sub: { value: claims.sub } } }));

    expect(json).toHaveProperty('id_token');
  });
});

describe('the ID token', () => {
  it('carries the nonce, the issuer, the client and nothing older than its life', async () => {
    const { claims } = await learned({ params: { nonce: 'n-0S6' } });

    expect(claims).toMatchObject({ nonce: 'n-0S6', iss: server.issuer('acme'), aud: 'app' });
    expect(claims.exp - claims.iat).toBe(1800);
  });

  it('is of Keycloak form in a Keycloak realm', async () => {
    const { json, claims } = await obtain(server, { realm: 'keyed', params: { scope: 'openid email' } });

    expect(claims).toMatchObject({ typ: 'ID', azp: 'app', sid: json.session_state, email: personal.email });
  });

  it('is not there without openid', async () => {
    const { json } = await obtain(server, { params: { scope: 'reports:read' } });

    expect(json).not.toHaveProperty('id_token');
    expect((await userinfo(server, json.access_token)).status).toBe(403);
  });
});

describe('pairwise subjects', () => {
  it('are the same for one sector, others for another, and never the public one', async () => {
    const first = await learned({ clientId: 'pairwise' });
    const again = await learned({ clientId: 'pairwise' });
    const second = await learned({ clientId: 'pairwise2', redirectUri: 'https://b.example/cb' });
    const { claims: open } = await learned({});

    expect(again.claims.sub).toBe(first.claims.sub);
    expect(first.info.sub).toBe(first.claims.sub);
    expect(new Set([first.claims.sub, second.claims.sub, open.sub]).size).toBe(3);
  });

  it('differ from person to person', async () => {
    const george = await learned({ clientId: 'pairwise' });
    const other = await learned({ clientId: 'pairwise', person: ada });

    expect(other.claims.sub).not.toBe(george.claims.sub);
  });

  it('are known again as a hint', async () => {
    const { json, visitor } = await obtain(server, { clientId: 'pairwise' });

    const again = await obtain(server, {
      clientId: 'pairwise',
      visitor,
      params: { id_token_hint: json.id_token },
    });

    expect(again.walk.asked).toEqual([]);
    expect(again.claims.sub).toBe(decodeJwt(json.id_token).sub);
  });
});

describe('claims from attributes', () => {
  const claims = [
    { name: 'department' },
    { name: 'https://acme.test/sites', attribute: 'sites', scope: 'address' },
    { name: 'nothing' },
  ];
  const base = browserRealm();
  const user = {
    ...base.users[0],
    attributes: { department: 'Sales', sites: ['Berlin', 'Bonn'], secret: 'x' },
  };
  const own = useServer({ realms: [{ ...base, claims, users: [user] }] });

  it('are at userinfo for who has their scope, and nothing else of the attributes is', async () => {
    const infoOf = async (scope: string) => {
      const { json } = await obtain(own, { params: { scope } });
      return (await userinfo(own, json.access_token)).json;
    };

    const profile = await infoOf('openid profile');
    expect(profile).toMatchObject({ department: 'Sales' });
    expect(profile).not.toHaveProperty(['https://acme.test/sites']);
    const address = await infoOf('openid address');
    expect(address).toMatchObject({ 'https://acme.test/sites': ['Berlin', 'Bonn'] });
    expect(Object.keys({ ...profile, ...address })).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(secret|nothing|sites)$/)]),
    );
  });

  it('are in ID tokens where standard claims are, and in the metadata', async () => {
    const scope = 'openid profile';
    const plain = await obtain(own, { params: { scope } });
    const full = await obtain(own, { clientId: 'claims', params: { scope } });
    const metadata = await get(`${own.issuer('acme')}/.well-known/openid-configuration`);

    expect(plain.claims).not.toHaveProperty('department');
    expect(full.claims).toMatchObject({ department: 'Sales' });
    expect(metadata.json.claims_supported).toContain('department');
  });
});
