/** A realm with a client for everything that the tests of the browser flows ask about. */
import { callback } from '../support/authorization.ts';
import { clientKey } from '../support/jose.ts';
import { acme } from '../support/realms.ts';

const grants = ['authorization_code', 'refresh_token'];
const redirectUris = [callback];
const app = { public: true, grants, redirectUris, clientName: 'Sales App' };

export function browserRealm(overrides: Record<string, unknown> = {}) {
  const base = acme();
  return acme({
    displayName: 'Acme',
    lifetimes: { sessionIdle: 3600, sessionMax: 36_000 },
    clients: [
      ...base.clients,
      { id: 'app', ...app, firstParty: true },
      { id: 'other', ...app, firstParty: true },
      { id: 'asks-once', ...app },
      { id: 'asks-always', ...app, consent: 'always' },
      {
        id: 'native',
        ...app,
        applicationType: 'native',
        redirectUris: ['http://127.0.0.1/cb', 'com.example.app:/cb'],
      },
      {
        id: 'native-own',
        ...app,
        applicationType: 'native',
        redirectUris: ['http://127.0.0.1/cb'],
        firstParty: true,
      },
      { id: 'web', secret: 'web-secret', grants, redirectUris, firstParty: true },
      { id: 'ages', ...app, firstParty: true, defaultMaxAge: 60 },
      { id: 'auth-time', ...app, firstParty: true, requireAuthTime: true },
      { id: 'claims', ...app, firstParty: true, claimsInIdToken: true },
      { id: 'pushes', ...app, firstParty: true, requirePushedAuthorizationRequests: true },
      { id: 'narrow', ...app, firstParty: true, permissions: ['analytics:reports:read'] },
      {
        id: 'pairwise',
        ...app,
        firstParty: true,
        subjectType: 'pairwise',
        postLogoutRedirectUris: redirectUris,
      },
      {
        id: 'pairwise2',
        ...app,
        firstParty: true,
        subjectType: 'pairwise',
        redirectUris: ['https://b.example/cb'],
      },
      {
        id: 'signs',
        ...app,
        firstParty: true,
        jwks: { keys: [clientKey] },
        requestObjectSigningAlg: 'ES256',
        requireSignedRequestObject: true,
      },
      { id: 'tv', public: true, clientName: 'Living Room TV', grants: [...grants.slice(1), device] },
      {
        id: 'till',
        secret: 'till-secret',
        clientName: 'Till',
        grants: [...grants.slice(1), ciba],
        backchannelTokenDeliveryMode: 'poll',
      },
    ],
    users: [
      {
        ...base.users[0],
        emailVerified: true,
        givenName: 'George',
        familyName: 'Becker',
        phoneNumber: '+49301234567',
        address: { country: 'DE', locality: 'Berlin' },
      },
      { username: 'ada', email: 'ada@acme.test', name: 'Ada', password: 'ada_password', roles: [] },
      { username: 'erna', password: 'erna_password', roles: ['analyst', 'engine'] },
    ],
    ...overrides,
  });
}

const device = 'urn:ietf:params:oauth:grant-type:device_code';
const ciba = 'urn:openid:params:grant-type:ciba';
