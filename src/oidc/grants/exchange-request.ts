/** What an exchange for another API asks for: the subject token, the API, the type of the answer. */
import { errors } from 'oidc-provider';
import type { Api, Client } from '../../registry/model/model.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { required, resourcesOf } from './exchange-form.ts';
import { tokenTypes } from './token-types.ts';

export type ApiExchange = {
  readonly subjectToken: string;
  readonly api: Api;
  /** `issued_token_type` of the answer (RFC 8693 §2.2.1). */
  readonly issuedType: string;
  /** The `scope` parameter as sent. */
  readonly scope: string | undefined;
};

type Realm = Pick<RealmContext, 'view' | 'profile' | 'findClient'>;

/**
 * Reads the form, in which no value is empty. Throws `invalid_request` for what is missing or of a type that there is
 * not, `invalid_target` for an API that is not there, not this client's to ask for, or one of several.
 */
export async function readApiExchange(
  realm: Realm,
  client: Pick<Client, 'exchanges'>,
  form: URLSearchParams,
): Promise<ApiExchange> {
  refuseForeignParameters(realm, form);
  const subjectToken = required(form, 'subject_token');
  const type = form.get('subject_token_type') ?? realm.profile.tokenExchange.defaultSubjectType;
  if (type === undefined) required(form, 'subject_token_type');
  if (type !== tokenTypes.accessToken) throw new errors.InvalidRequest('subject_token_type is not supported');
  const api = await targetOf(realm, client, form);
  return {
    subjectToken,
    api,
    issuedType: issuedTypeOf(realm, api, form),
    scope: form.get('scope') ?? undefined,
  };
}

/** Parameters that ask for another person's token, or another issuer's: ignored, they would get a wrong one. */
function refuseForeignParameters({ profile }: Pick<Realm, 'profile'>, form: URLSearchParams): void {
  const foreign = profile.tokenExchange.refusedParameters.find((name) => form.has(name));
  if (foreign !== undefined) throw new errors.InvalidRequest(`${foreign} is not supported`);
}

/** More than anybody needs to name one API; each may be looked up. */
const MAX_NAMES = 10;
/** The longest id of a client. */
const MAX_ID = 128;

/** One API a token (RFC 8707 §2.2), one of the client's `exchanges`. Unknown and foreign are one answer. */
async function targetOf(
  realm: Realm,
  { exchanges = [] }: Pick<Client, 'exchanges'>,
  form: URLSearchParams,
): Promise<Api> {
  const { apis } = realm.view;
  const names = form.getAll('audience');
  if (names.length > MAX_NAMES) throw severalApis();
  const byAudience = (audience: string) => apis.find((api) => api.audience === audience);
  const audiences = names.map(async (name) => {
    const api = apis.find(({ id }) => id === name) ?? byAudience(name);
    return api ?? (realm.profile.tokenExchange.audienceMayBeClient ? apiOfClient(realm, name) : undefined);
  });
  const named = new Set([...(await Promise.all(audiences)), ...resourcesOf(form).map(byAudience)]);
  if (named.size === 0) throw new errors.InvalidRequest('name the API by resource or audience');
  const [api] = named;
  if (named.size > 1) throw severalApis();
  if (api === undefined || !exchanges.includes(api.id))
    throw new errors.InvalidTarget('this client exchanges for no such API');
  return api;
}

function severalApis(): Error {
  return new errors.InvalidTarget('only one API can be asked for');
}

/** The API of a client that answers for one: in Keycloak an API is a client. */
async function apiOfClient({ view, findClient }: Realm, id: string): Promise<Api | undefined> {
  if (id.length > MAX_ID) return undefined;
  const client = await findClient(id);
  const [api, ...others] = view.apis.filter((one) => client?.introspects.includes(one.id));
  return others.length === 0 ? api : undefined;
}

function issuedTypeOf({ profile }: Pick<Realm, 'profile'>, api: Api, form: URLSearchParams): string {
  const requested = form.get('requested_token_type') ?? tokenTypes.accessToken;
  if (requested === tokenTypes.accessToken) return requested;
  if (requested === tokenTypes.jwt && api.tokens.format === 'jwt') return requested;
  // `issued_token_type` says that it is none.
  if (requested === tokenTypes.refreshToken && profile.tokenExchange.answersRefreshByAccess)
    return tokenTypes.accessToken;
  throw new errors.InvalidRequest('requested_token_type is not supported');
}
