/** What a user or service would get through a client, permission by permission. */
import { apisOf } from '../registry/model/built-in-api.ts';
import type { Api, Client, User } from '../registry/model/model.ts';
import { defaultOf, type RealmView } from '../registry/model/realm-view.ts';
import { type Draft, ofClient, ofRealm, ofUser, type Reason } from './answer.ts';
import type { ExplainDeps } from './deps.ts';

export type RightsQuestion = {
  readonly client: Client;
  /** Absent: the service itself, by its own roles. */
  readonly user?: User | undefined;
  /** Names separated by spaces; absent: every permission of the API. */
  readonly scope?: string | undefined;
  /** `id` or audience of the API; absent: the default one. */
  readonly api?: string | undefined;
};

export function explainRights({ realm }: Pick<ExplainDeps, 'realm'>, question: RightsQuestion): Draft {
  const { client, user, scope } = question;
  const api = apiOf(realm, question.api);
  if (api === undefined) {
    const detail =
      question.api === undefined ? 'the realm has no default API' : `there is no API ${question.api}`;
    return { verdict: 'refused', reasons: [{ rule: 'api.unknown', detail, ...ofRealm('apis') }], about: {} };
  }
  const wanted = scope === undefined ? api.permissions.map(({ name }) => name) : wordsIn(scope);
  const refusals = wanted.flatMap((name) => whyNot(realm, api, { name, client, user }));
  const refused = new Set(refusals.map(({ name }) => name));
  const granted = wanted.filter((name) => !refused.has(name));
  return {
    verdict: refusals.length === 0 ? 'allowed' : 'narrowed',
    reasons: refusals.map(({ reason }) => reason),
    about: {
      api: api.id,
      client: client.id,
      ...(user !== undefined && { user: user.username }),
      roles: [...realm.expandRoles(user?.roles ?? client.roles)],
      granted,
    },
  };
}

function apiOf(realm: RealmView, named: string | undefined): Api | undefined {
  if (named === undefined) return defaultOf(realm.apis);
  return apisOf(realm).find(({ id, audience }) => id === named || audience === named);
}

function wordsIn(scope: string): readonly string[] {
  return [...new Set(scope.split(' ').filter((name) => name !== ''))];
}

type Asked = { readonly name: string; readonly client: Client; readonly user: User | undefined };

function whyNot(
  realm: RealmView,
  api: Api,
  { name, client, user }: Asked,
): readonly { readonly name: string; readonly reason: Reason }[] {
  const permission = `${api.id}:${name}`;
  if (!api.permissions.some((one) => one.name === name)) {
    if (isOidcScope(name)) return [];
    const detail = `${api.id} has no permission ${name}: a request that names it is refused (invalid_scope)`;
    return [{ name, reason: { rule: 'scope.unknown', detail, ...ofRealm(`apis[${api.id}].permissions`) } }];
  }
  const roles = user?.roles ?? client.roles;
  const reasons: Reason[] = [];
  if (!realm.rolesPermit(roles, permission)) {
    reasons.push({
      rule: 'role.lacks',
      detail: `none of the roles ${roles.join(', ') || '(none)'} gives ${permission}`,
      ...(user === undefined ? ofClient(client.id, 'roles') : ofUser(user, 'roles')),
    });
  }
  if (client.permissions?.includes(permission) === false) {
    reasons.push({
      rule: 'ceiling',
      detail: `${permission} is above the ceiling of the client`,
      ...ofClient(client.id, 'permissions'),
    });
  }
  return reasons.map((reason) => ({ name, reason }));
}

function isOidcScope(name: string): boolean {
  return ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'].includes(name);
}
