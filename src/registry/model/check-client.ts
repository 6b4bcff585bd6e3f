import { certificateNames } from './auth-method.ts';
import { permissionsOf } from './built-in-api.ts';
import { apiIdsOf, type Problem, repeated, unknownNames } from './check-realm.ts';
import { type Client, type RealmSettings, signingAlgorithm } from './model.ts';
import { problemOfPublicKey } from './public-keys.ts';
import { problemOfOrigin, problemOfRedirectUri } from './web-address.ts';

const CIBA = 'urn:openid:params:grant-type:ciba';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';

/** Grants for confidential clients only (RFC 6749 §4.4, CIBA Core §4, RFC 8693 §5). */
const grantsOfConfidentialClients: readonly string[] = ['client_credentials', CIBA, EXCHANGE];

/** Grants that can give a refresh token. */
const grantsOfUsers: readonly string[] = ['authorization_code', 'password', DEVICE, CIBA, EXCHANGE];

/** Problems of one client, paths from the client. */
export function checkClient(settings: RealmSettings, client: Client): Problem[] {
  const roles = settings.roles.map(({ name }) => name);
  const permissions = permissionsOf(settings);
  return [
    ...unknownNames('role', client.roles, roles, ['roles']),
    ...unknownNames('permission', client.permissions ?? [], permissions, ['permissions']),
    ...unknownNames('API', client.introspects, apiIdsOf(settings), ['introspects']),
    ...checkExchanges(settings, client),
    ...repeated(client.grants, (index) => ['grants', index], 'grant'),
    ...(client.public === true ? checkPublic(client) : checkConfidential(client)),
    ...checkSecrets(client),
    ...checkPreviousSecret(client),
    ...checkKeys(client),
    ...checkGrants(client),
    ...checkAudiences(settings, client),
    ...checkIdTokenAlg(settings, client),
    ...checkFapi(client),
    ...checkAddresses(client),
  ];
}

function checkPublic(client: Client): Problem[] {
  const problems = client.grants.flatMap((grant, index) =>
    grantsOfConfidentialClients.includes(grant)
      ? [{ path: ['grants', index], message: `a public client cannot have the grant "${grant}"` }]
      : [],
  );
  const add = (path: string, message: string) => problems.push({ path: [path], message });
  // RFC 6749 §2.1: a public client cannot keep a credential confidential.
  if (client.secret !== undefined) add('secret', 'a public client has no secret');
  if (client.introspects.length > 0) add('introspects', 'a public client cannot introspect');
  if (client.mints !== undefined) add('mints', 'a public client cannot mint guest tokens');
  if (client.exchanges !== undefined) add('exchanges', 'a public client cannot exchange tokens');
  if (client.pkce === 'optional') add('pkce', 'is always required for a public client');
  if ((client.tokenEndpointAuthMethod ?? 'none') !== 'none') {
    add('tokenEndpointAuthMethod', 'a public client does not authenticate: none');
  }
  return problems;
}

function checkConfidential(client: Client): Problem[] {
  const method = client.tokenEndpointAuthMethod;
  const needs = method === undefined ? undefined : missingFor(method, client);
  if (needs !== undefined) return [{ path: ['tokenEndpointAuthMethod'], message: needs }];
  if (method === undefined && isAmbiguous(client)) {
    const message = 'has keys and the name of a certificate: say which, by tokenEndpointAuthMethod';
    return [{ path: ['id'], message }];
  }
  const isUsed = client.grants.length > 0 || client.introspects.length > 0 || client.mints !== undefined;
  if (!isUsed || hasCredential(client)) return [];
  return [
    {
      path: ['id'],
      message: 'needs a secret, jwks, jwksUri or certificate to authenticate with, or public: true',
    },
  ];
}

/** RFC 6749 Appendix A.2. */
function checkSecrets(client: Client): Problem[] {
  const message = 'must hold printable ASCII only: HTTP cannot carry anything else';
  return (['secret', 'previousSecret'] as const).flatMap((name) =>
    /^[\x20-\x7e]*$/.test(client[name] ?? '') ? [] : [{ path: [name], message }],
  );
}

/** A previous secret needs a present one. */
function checkPreviousSecret({ secret, previousSecret, previousSecretUntil }: Client): Problem[] {
  const problems: Problem[] = [];
  if (previousSecret !== undefined && secret === undefined) {
    problems.push({ path: ['previousSecret'], message: 'needs a secret that it comes before' });
  }
  if (previousSecretUntil !== undefined && previousSecret === undefined) {
    problems.push({ path: ['previousSecretUntil'], message: 'needs a previousSecret' });
  }
  return problems;
}

function hasCredential(client: Client): boolean {
  return client.secret !== undefined || hasKeys(client) || certificateNamesOf(client).length > 0;
}

function isAmbiguous(client: Client): boolean {
  return client.secret === undefined && hasKeys(client) && certificateNamesOf(client).length > 0;
}

function hasKeys(client: Client): boolean {
  return client.jwks !== undefined || client.jwksUri !== undefined;
}

function certificateNamesOf(client: Client) {
  return certificateNames.filter((name) => client[name] !== undefined);
}

/** What the chosen authentication method needs and the client lacks. */
function missingFor(
  method: NonNullable<Client['tokenEndpointAuthMethod']>,
  client: Client,
): string | undefined {
  switch (method) {
    case 'none':
      return 'only a public client does not authenticate (public: true)';
    case 'client_secret_basic':
    case 'client_secret_post':
    case 'client_secret_jwt':
      return client.secret === undefined ? `${method} needs a secret` : undefined;
    case 'private_key_jwt':
    case 'self_signed_tls_client_auth':
      return hasKeys(client) ? undefined : `${method} needs jwks or jwksUri`;
    case 'tls_client_auth':
      return certificateNamesOf(client).length > 0 ? undefined : `${method} needs a tlsClientAuth… name`;
  }
}

function checkKeys(client: Client): Problem[] {
  const problems: Problem[] = [];
  if (client.jwks !== undefined && client.jwksUri !== undefined) {
    // RFC 7591 §2: the two must not both be present.
    problems.push({ path: ['jwksUri'], message: 'either jwks or jwksUri, not both' });
  }
  // RFC 8705 §2.1.2: exactly one of them.
  for (const name of certificateNamesOf(client).slice(1)) {
    problems.push({ path: [name], message: 'only one name of a certificate can be given' });
  }
  client.jwks?.keys.forEach((key, index) => {
    const message = problemOfPublicKey(key);
    if (message !== undefined) problems.push({ path: ['jwks', 'keys', index], message });
  });
  return problems;
}

function checkGrants(client: Client): Problem[] {
  const problems: Problem[] = [];
  const { grants, redirectUris } = client;
  if (grants.includes('authorization_code') && redirectUris.length === 0) {
    problems.push({ path: ['grants'], message: 'authorization_code needs redirectUris' });
  }
  if (grants.includes(CIBA) && client.backchannelTokenDeliveryMode === undefined) {
    problems.push({
      path: ['grants', grants.indexOf(CIBA)],
      message: 'needs backchannelTokenDeliveryMode: poll (CIBA Core §4)',
    });
  }
  if (grants.includes('refresh_token') && !grants.some((grant) => grantsOfUsers.includes(grant))) {
    problems.push({ path: ['grants'], message: 'refresh_token needs a grant that logs a user in' });
  }
  return problems;
}

/** The realm's own administration is no API that a token can be exchanged for. */
function checkExchanges({ apis }: RealmSettings, { exchanges, grants, public: isPublic }: Client): Problem[] {
  if (exchanges === undefined) return [];
  const known = apis.map(({ id }) => id);
  const problems = [
    ...unknownNames('API', exchanges, known, ['exchanges']),
    ...repeated(exchanges, (index) => ['exchanges', index], 'API'),
  ];
  if (isPublic === true || grants.includes(EXCHANGE)) return problems;
  return [...problems, { path: ['exchanges'], message: `needs the grant ${EXCHANGE}` }];
}

/** A token that named another API beside its own would be taken there for what it is not. */
function checkAudiences({ profile }: RealmSettings, { id, audiences = [] }: Client): Problem[] {
  const problems = audiences.flatMap((audience, index) =>
    audience === id
      ? []
      : [{ path: ['audiences', index], message: `can only be the client's own id, "${id}"` }],
  );
  if (audiences.length === 0 || profile === 'keycloak') return problems;
  return [...problems, { path: ['audiences'], message: 'is only for realms with profile: keycloak' }];
}

/** A realm has keys for ES256, RS256 and what it or an API of it names. HS256 is made with the client's secret. */
function checkIdTokenAlg(settings: RealmSettings, client: Client): Problem[] {
  const alg = client.idTokenSignedResponseAlg;
  const named = [settings.idTokenSignedResponseAlg, ...settings.apis.map(({ tokens }) => tokens.alg)];
  const known = new Set(['ES256', 'RS256', ...named, ...(client.secret === undefined ? [] : ['HS256'])]);
  if (alg === undefined || known.has(alg)) return [];
  const ours = signingAlgorithm.options;
  const message = ours.some((one) => one === alg)
    ? `the realm has no key for ${alg}; with idTokenSignedResponseAlg: ${alg} in the realm itself it makes one`
    : `must be ${ours.join(', ')}, or HS256 for a client with a secret`;
  return [{ path: ['idTokenSignedResponseAlg'], message }];
}

/** FAPI 2.0 Security Profile §5.3.2.1: confidential, by key or certificate, and no password grant. */
function checkFapi(client: Client): Problem[] {
  if (client.fapi !== true) return [];
  const problems: Problem[] = [];
  if (client.public === true) problems.push({ path: ['fapi'], message: 'is for confidential clients only' });
  if (client.secret !== undefined) {
    problems.push({ path: ['secret'], message: 'a FAPI client authenticates by key or certificate' });
  }
  const password = client.grants.indexOf('password');
  if (password >= 0) {
    problems.push({ path: ['grants', password], message: 'a FAPI client cannot have the password grant' });
  }
  return problems;
}

function checkAddresses(client: Client): Problem[] {
  const isNative = client.applicationType === 'native';
  const inList = (field: string, list: readonly string[], check: (text: string) => string | undefined) =>
    list.flatMap((text, index) => {
      const message = check(text);
      return message === undefined ? [] : [{ path: [field, index], message }];
    });
  const problemOf = (uri: string) => problemOfRedirectUri(uri, isNative);
  return [
    ...inList('redirectUris', client.redirectUris, problemOf),
    ...inList('postLogoutRedirectUris', client.postLogoutRedirectUris ?? [], problemOf),
    ...inList('cors', client.cors ?? [], problemOfOrigin),
  ];
}
