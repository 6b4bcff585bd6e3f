import { describe, expect, it } from 'vitest';
import { faultsOf, withHead } from './config-support.ts';

describe('what belongs together', () => {
  const realm = (rest: string) => `name: acme\n${rest}`;
  const api = (id: string, rest = '') => `  - id: ${id}
    audience: https://${id}.test
    permissions: [{ name: read }]
${rest}`;

  it.each<[string, string, string]>([
    [
      'several APIs without a default',
      `apis:\n${api('a')}${api('b')}`,
      '3:3 apis: of several APIs exactly one must be the default (default: true)',
    ],
    [
      'a second default API',
      `apis:\n${api('a', '    default: true\n')}${api('b', '    default: true\n')}`,
      '10:14 apis[1].default: another API is the default already',
    ],
    ['a second API of one id', `apis:\n${api('a')}${api('a')}`, '6:9 apis[1].id: API "a" is there twice'],
    [
      'a second API for one audience',
      `apis:\n${api('a')}  - { id: b, audience: https://a.test, permissions: [] }\n`,
      '6:24 apis[1].audience: audience "https://a.test" is there twice',
    ],
    [
      'an audience with a fragment',
      'apis:\n  - { id: b, audience: https://a.test/#x, permissions: [] }\n',
      '3:24 apis[0].audience: an audience has no fragment',
    ],
    [
      'the built-in API',
      `apis:\n${api('daypass')}`,
      '3:9 apis[0].id: API "daypass" is built in and cannot be defined',
    ],
    [
      'a second permission of one name',
      'apis:\n  - { id: b, audience: https://a.test, permissions: [{ name: x }, { name: x }] }\n',
      '3:75 apis[0].permissions[1].name: permission "x" is there twice',
    ],
    [
      'a permission that is an OIDC scope',
      'apis:\n  - { id: b, audience: https://a.test, permissions: [{ name: email }] }\n',
      '3:62 apis[0].permissions[0].name: "email" is a scope of OpenID Connect',
    ],
    [
      'an unknown permission of a role',
      `apis:\n${api('a')}roles:\n  - { name: r, permissions: [a:raed] }\n`,
      '7:30 roles[0].permissions[0]: there is no permission "a:raed", did you mean "a:read"?',
    ],
    [
      'keys and the name of a certificate without a method',
      'clients:\n  - { id: a, grants: [client_credentials], jwks: { keys: [] }, tlsClientAuthSanDns: a.test }\n',
      '3:11 clients[0].id: has keys and the name of a certificate: say which, by tokenEndpointAuthMethod',
    ],
    [
      'an algorithm that the realm has no key for',
      'clients:\n  - { id: a, public: true, idTokenSignedResponseAlg: PS256 }\n',
      '3:54 clients[0].idTokenSignedResponseAlg: the realm has no key for PS256; with ' +
        'idTokenSignedResponseAlg: PS256 in the realm itself it makes one',
    ],
    [
      'an unknown role in a role',
      'roles:\n  - { name: analyst, includes: [analist] }\n',
      '3:33 roles[0].includes[0]: there is no role "analist", did you mean "analyst"?',
    ],
    [
      'a circle of roles',
      'roles:\n  - { name: a, includes: [b] }\n  - { name: b, includes: [a] }\n',
      '4:26 roles[1].includes: role "b" includes itself, directly or through others',
    ],
    [
      'a second role of one name',
      'roles:\n  - name: a\n  - name: a\n',
      '4:11 roles[1].name: role "a" is there twice',
    ],
    [
      'a second policy of one kind and name',
      'policies:\n  - { kind: row, name: a, template: 1 }\n  - { kind: row, name: a, template: 2 }\n',
      '4:24 policies[1].name: policy "row a" is there twice',
    ],
    [
      'a policy of an unknown API',
      'apis: [{ id: lake, audience: "https://lake.test", permissions: [] }]\npolicies:\n  - { kind: connection, name: a, template: 1, api: lke }\n',
      '4:52 policies[0].api: there is no API "lke", did you mean "lake"?',
    ],
    [
      'a row policy of one API',
      'apis: [{ id: lake, audience: "https://lake.test", permissions: [] }]\npolicies:\n  - { kind: row, name: a, template: 1, api: lake }\n',
      '4:45 policies[0].api: a row policy limits every resource, whichever API has it',
    ],
    [
      'an unknown permission for registered clients',
      'registration: { permissions: [a:read] }\n',
      '2:31 registration.permissions[0]: there is no permission "a:read"',
    ],
    [
      'a shortest password beyond the longest',
      'passwords: { minLength: 100, maxLength: 64 }\n',
      '2:25 passwords.minLength: must not exceed maxLength',
    ],
  ])('%s', async (_name, text, fault) => {
    expect(await faultsOf({ 'acme.yaml': realm(text) })).toContain(`acme.yaml:${fault}`);
  });

  const key = '{ kty: EC, crv: P-256, x: x, y: y }';
  it.each<[string, string]>([
    ['public: true, secret: web-secret', 'secret: a public client has no secret'],
    ['previousSecret: web-secret', 'previousSecret: needs a secret that it comes before'],
    [
      'secret: web-secret, previousSecretUntil: 2026-12-01T00:00:00Z',
      'previousSecretUntil: needs a previousSecret',
    ],
    [
      'secret: web-secret, previousSecret: web-before, previousSecretUntil: 2026-12-01',
      'previousSecretUntil: must be a date and time by ISO 8601',
    ],
    [
      'public: true, grants: [client_credentials]',
      'grants[0]: a public client cannot have the grant "client_credentials"',
    ],
    ['public: true, introspects: [analytics]', 'introspects: a public client cannot introspect'],
    [
      'public: true, mints: { types: [report], actions: [view] }',
      'mints: a public client cannot mint guest tokens',
    ],
    ['public: true, exchanges: [analytics]', 'exchanges: a public client cannot exchange tokens'],
    [
      'secret: web-secret, exchanges: [analytics]',
      'exchanges: needs the grant urn:ietf:params:oauth:grant-type:token-exchange',
    ],
    [
      'secret: web-secret, grants: ["urn:ietf:params:oauth:grant-type:token-exchange"], exchanges: [analytic]',
      'exchanges[0]: there is no API "analytic", did you mean "analytics"?',
    ],
    [
      'secret: web-secret, grants: ["urn:ietf:params:oauth:grant-type:token-exchange"], exchanges: [daypass]',
      'exchanges[0]: there is no API "daypass"',
    ],
    [
      'secret: web-secret, grants: ["urn:ietf:params:oauth:grant-type:token-exchange"], exchanges: [analytics, analytics]',
      'exchanges[1]: API "analytics" is there twice',
    ],
    ['public: true, pkce: optional', 'pkce: is always required for a public client'],
    [
      'public: true, tokenEndpointAuthMethod: private_key_jwt',
      'tokenEndpointAuthMethod: a public client does not authenticate: none',
    ],
    [
      'grants: [client_credentials]',
      'id: needs a secret, jwks, jwksUri or certificate to authenticate with, or public: true',
    ],
    [
      'introspects: [analytics]',
      'id: needs a secret, jwks, jwksUri or certificate to authenticate with, or public: true',
    ],
    [
      'tokenEndpointAuthMethod: none',
      'tokenEndpointAuthMethod: only a public client does not authenticate (public: true)',
    ],
    [
      'tokenEndpointAuthMethod: client_secret_jwt',
      'tokenEndpointAuthMethod: client_secret_jwt needs a secret',
    ],
    [
      'secret: web-secret, tokenEndpointAuthMethod: private_key_jwt',
      'tokenEndpointAuthMethod: private_key_jwt needs jwks or jwksUri',
    ],
    [
      'secret: web-secret, tokenEndpointAuthMethod: tls_client_auth',
      'tokenEndpointAuthMethod: tls_client_auth needs a tlsClientAuth… name',
    ],
    [`jwks: { keys: [${key}] }, jwksUri: https://a.test/jwks`, 'jwksUri: either jwks or jwksUri, not both'],
    [
      'jwks: { keys: [{ kty: EC, crv: P-256, x: x, y: y, d: d }] }',
      'jwks.keys[0]: holds a private key; only public ones belong here',
    ],
    [
      `jwks: { keys: [{ kty: RSA, e: AQAB, n: ${Buffer.alloc(64, 0xff).toString('base64url')} }] }`,
      'jwks.keys[0]: is an RSA key of 512 bits; it needs at least 2048',
    ],
    [
      'tlsClientAuthSubjectDn: CN=a, tlsClientAuthSanDns: a.test',
      'tlsClientAuthSanDns: only one name of a certificate can be given',
    ],
    ['public: true, grants: [authorization_code]', 'grants: authorization_code needs redirectUris'],
    [
      'secret: web-secret, grants: [client_credentials, refresh_token]',
      'grants: refresh_token needs a grant that logs a user in',
    ],
    ['public: true, grants: [password, password]', 'grants[1]: grant "password" is there twice'],
    ['fapi: true, public: true', 'fapi: is for confidential clients only'],
    ['fapi: true, secret: web-secret', 'secret: a FAPI client authenticates by key or certificate'],
    [
      `fapi: true, jwks: { keys: [${key}] }, grants: [password]`,
      'grants[0]: a FAPI client cannot have the password grant',
    ],
    ["redirectUris: ['/callback']", 'redirectUris[0]: must be an absolute address'],
    ["redirectUris: ['https://a.test/#x']", 'redirectUris[0]: must have no fragment'],
    ["redirectUris: ['https://*.a.test/']", 'redirectUris[0]: must be exact; there are no wildcards'],
    ["redirectUris: ['https://u:p@a.test/']", 'redirectUris[0]: must hold no user name or password'],
    ["redirectUris: ['http://a.test/']", 'redirectUris[0]: http is only for loopback'],
    ["redirectUris: ['http://localhost.a.test/']", 'redirectUris[0]: http is only for loopback'],
    [
      "redirectUris: ['com.example.app:/cb']",
      'redirectUris[0]: must be https, or http on loopback (private schemes: applicationType: native)',
    ],
    [
      "applicationType: native, redirectUris: ['javascript:alert(1)']",
      'redirectUris[0]: a private scheme is a reversed domain name, as com.example.app',
    ],
    ["postLogoutRedirectUris: ['http://a.test/']", 'postLogoutRedirectUris[0]: http is only for loopback'],
    ["cors: ['https://a.test/path']", 'cors[0]: must be an origin such as https://app.example.com'],
    ["cors: ['*']", 'cors[0]: must be an origin such as https://app.example.com'],
    ["cors: ['http://a.test']", 'cors[0]: http is only for loopback'],
  ])('refuses a client with %s', async (fields, fault) => {
    const faults = await faultsOf(withHead(`clients:\n  - { id: web, ${fields} }\n`));

    expect(faults).toEqual([expect.stringMatching(/^acme\.yaml:9:\d+ clients\[0\]\./)]);
    expect(faults[0]).toContain(`clients[0].${fault}`);
  });

  it.each([
    "applicationType: native, redirectUris: ['com.example.app:/cb', 'http://127.0.0.1/', 'http://[::1]/']",
    "redirectUris: ['https://a.test/cb?x=1', 'http://localhost:3000/cb']",
    "cors: ['https://a.test', 'http://localhost:3000']",
    `grants: [client_credentials], jwks: { keys: [${key}] }`,
    'secret: web-secret, previousSecret: web-before, previousSecretUntil: 2026-12-01T00:00:00Z',
    'grants: [client_credentials], tlsClientAuthSanDns: a.test, tokenEndpointAuthMethod: tls_client_auth',
    'public: true, grants: [password, refresh_token], permissions: [analytics:reports:read, daypass:users:read]',
  ])('accepts a client with %s', async (fields) => {
    expect(await faultsOf(withHead(`clients:\n  - { id: web, ${fields} }\n`))).toEqual([]);
  });
});
