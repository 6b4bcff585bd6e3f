/**
 * Dynamic registration (RFC 7591, RFC 7592): with an initial access token, or open where the realm says so. What a
 * client registers is checked beyond what the library checks. A registration never changes what an operator decided
 * about the client.
 */
import { type AdapterPayload, type Configuration, errors, type Provider } from 'oidc-provider';
import { Failure, isFailure, isTemporary } from '../../base/errors.ts';
import { newClientSecret, randomId } from '../../base/random.ts';
import { type Client, grantName } from '../../registry/model/model.ts';
import { problemOfPublicKey } from '../../registry/model/public-keys.ts';
import { problemOfRedirectUri } from '../../registry/model/web-address.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { internalMetadata } from './client-metadata.ts';

/**
 * Grants that a client may register for itself: those where a person sees the client's name, or no person's data is
 * involved.
 */
const registrableGrants: ReadonlySet<string> = new Set([
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
]);

export function registrationFeatures(realm: Pick<RealmContext, 'view'>) {
  const { registration } = realm.view;
  if (registration === undefined) return {};
  return {
    registration: {
      enabled: true,
      initialAccessToken: !registration.open,
      issueRegistrationAccessToken: true,
      // Never a bare UUID: subjects of users look like that (RFC 9700 §4.15).
      idFactory: () => `dcr-${randomId()}`,
      secretFactory: newClientSecret,
    },
    registrationManagement: { enabled: true, rotateRegistrationAccessToken: false },
  };
}

/**
 * Makes a token that lets its holders register clients for `ttl` seconds (RFC 7591 §3). Rejects with
 * `Failure('invalid_input')` when the realm has no registration.
 */
export async function createInitialAccessToken(
  realm: Pick<RealmContext, 'name' | 'view'>,
  provider: Provider,
  { ttl }: { readonly ttl: number },
): Promise<string> {
  if (realm.view.registration === undefined) {
    throw new Failure('invalid_input', `realm "${realm.name}" has no registration of clients`);
  }
  return new provider.InitialAccessToken({ expiresIn: ttl }).save();
}

/**
 * The library's hook for our own metadata. With a request it is a registration: our names are removed like unknown
 * ones (RFC 7591 §2), and the rest must keep our rules.
 */
export function extraClientMetadata(
  realm: Pick<RealmContext, 'permissionNames'>,
): NonNullable<Configuration['extraClientMetadata']> {
  return {
    properties: [...internalMetadata],
    validator: (ctx, name, _value, metadata) => {
      if (ctx === undefined) return;
      Reflect.deleteProperty(metadata, name);
      if (name !== internalMetadata[0]) return;
      checkMetadata(metadata);
      leaveOutPermissions(realm, metadata);
    },
  };
}

/** Values are as sent. A value of the wrong type is refused later, by the library. */
function checkMetadata(metadata: Readonly<Record<string, unknown>>): void {
  const refused = textsOf(metadata['grant_types']).find((grant) => !registrableGrants.has(grant));
  if (refused !== undefined) {
    throw new errors.InvalidClientMetadata(`grant_types must only hold ${[...registrableGrants].join(', ')}`);
  }
  const isNative = metadata['application_type'] === 'native';
  for (const name of ['redirect_uris', 'post_logout_redirect_uris']) {
    const problem = textsOf(metadata[name])
      .map((uri) => problemOfRedirectUri(uri, isNative))
      .find((found) => found !== undefined);
    if (problem !== undefined) throw new errors.InvalidClientMetadata(`${name}: ${problem}`);
  }
  checkKeys(metadata['jwks']);
}

function checkKeys(jwks: unknown): void {
  const { keys = [] }: { keys?: unknown } = typeof jwks === 'object' && jwks !== null ? jwks : {};
  for (const [index, key] of (Array.isArray(keys) ? keys : []).entries()) {
    const problem = problemOfPublicKey(key);
    if (problem !== undefined) throw new errors.InvalidClientMetadata(`jwks: key ${index} ${problem}`);
  }
}

/** The realm limits the scopes of a registered client; the library knows only OIDC's scopes. */
function leaveOutPermissions(
  realm: Pick<RealmContext, 'permissionNames'>,
  metadata: { scope?: unknown },
): void {
  if (typeof metadata.scope !== 'string') return;
  const names = metadata.scope.split(' ').filter((name) => !realm.permissionNames.has(name));
  if (names.length === 0) delete metadata.scope;
  else metadata.scope = names.join(' ');
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

/** Stores what was registered or updated. */
export async function registerClient(
  { registry, name, view }: Pick<RealmContext, 'name' | 'view' | 'registry'>,
  id: string,
  metadata: AdapterPayload,
): Promise<void> {
  const own = fromMetadata(id, metadata);
  try {
    if ((await registry.findClient(name, id)) === undefined) {
      await registry.createClient(name, {
        ...own,
        permissions: [...(view.registration?.permissions ?? [])],
        ...(view.registration?.open === true ? { unused: true as const } : {}),
      });
    } else {
      await registry.updateClient(name, id, (before) => ({ ...operatorsShareOf(before), ...own }));
    }
  } catch (cause) {
    if (!(cause instanceof Failure) || cause.code !== 'invalid_input') throw cause;
    throw new errors.InvalidClientMetadata(`client metadata: ${cause.message}`, { cause });
  }
}

/** A client of an open registration stays, once it was given a token. */
export async function keepUsedClient(
  { name, registry, findClient }: Pick<RealmContext, 'name' | 'registry' | 'findClient'>,
  id: string,
): Promise<void> {
  if ((await findClient(id))?.unused !== true) return;
  try {
    await registry.updateClient(name, id, ({ unused: _, ...used }) => used);
  } catch (error) {
    // The token was issued all the same, and the next one keeps the client.
    if (!isTemporary(error) && !isFailure(error, 'not_found')) throw error;
  }
}

/**
 * A registered client as the registry keeps it: no roles, only the permissions that the realm gives to registered
 * clients, the rest of its metadata as sent.
 */
function fromMetadata(id: string, metadata: AdapterPayload) {
  const { client_id, client_secret, grant_types, ...registered } = metadata;
  const isPublic = metadata.token_endpoint_auth_method === 'none';
  return {
    id,
    ...(client_secret === undefined || isPublic ? {} : { secret: client_secret }),
    ...(isPublic ? { public: true } : {}),
    ...(metadata.application_type === 'native' ? { applicationType: 'native' as const } : {}),
    ...shownMetadata(metadata),
    grants: grantName.array().parse(grant_types ?? ['authorization_code']),
    redirectUris: [...(metadata.redirect_uris ?? [])],
    registered,
  };
}

/** Members that people see are stored under the registry's own names. */
function shownMetadata({ client_name, client_uri, logo_uri, policy_uri, tos_uri }: AdapterPayload) {
  return {
    ...(client_name === undefined ? {} : { clientName: client_name }),
    ...(client_uri === undefined ? {} : { clientUri: client_uri }),
    ...(logo_uri === undefined ? {} : { logoUri: logo_uri }),
    ...(policy_uri === undefined ? {} : { policyUri: policy_uri }),
    ...(tos_uri === undefined ? {} : { tosUri: tos_uri }),
  };
}

/** Members that an operator decides, and that an update by the client must not change. */
function operatorsShareOf(client: Client): Client {
  const { secret, public: _, applicationType, registered, ...rest } = client;
  const { clientName, clientUri, logoUri, policyUri, tosUri, ...operators } = rest;
  return operators;
}
