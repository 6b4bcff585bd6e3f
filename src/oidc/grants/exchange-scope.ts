/** How far an exchange for another API goes. Pure. */
import type { Api } from '../../registry/model/model.ts';
import { decideScope, grantable, type ScopeDecision } from '../../registry/model/permissions.ts';

export type ExchangeLimits = {
  /** The API that the new token is for. */
  readonly api: Api;
  /** What the roles of the token's user or service give now, as `api:permission`. */
  readonly ofRoles: ReadonlySet<string>;
  /** Ceilings of the clients that are involved, as `api:permission`; `undefined` is none. */
  readonly ceilings: readonly (readonly string[] | undefined)[];
  /** Names of permissions of the API beyond which the subject token must not get. `undefined` is no limit. */
  readonly within: readonly (ReadonlySet<string> | undefined)[];
};

/** The permissions of the API that the roles give, every ceiling allows and every limit holds. */
export function exchangeable({ api, ofRoles, ceilings, within }: ExchangeLimits): ReadonlySet<string> {
  const allowed = ceilings.map((ceiling) => grantable(api, ofRoles, ceiling));
  const limits = [...allowed, ...within.filter((names) => names !== undefined)];
  const names = [...grantable(api, ofRoles, undefined)];
  return new Set(names.filter((name) => limits.every((limit) => limit.has(name))));
}

type Asked = {
  readonly requested: string | undefined;
  readonly api: Api;
  readonly permitted: ReadonlySet<string>;
  /** Every permission name of the realm. */
  readonly known: ReadonlySet<string>;
  readonly oidcScopes: ReadonlySet<string>;
  /** The scope of the subject token. */
  readonly held: string | undefined;
};

/**
 * The scope of the new token, or the first name that does not exist. Who names no permission gets all of them. OpenID
 * Connect's scopes are of a person's consent: only those that the subject token has are passed on, and never offline
 * access.
 */
export function exchangedScope({ held = '', oidcScopes, ...asked }: Asked): ScopeDecision {
  const decision = decideScope({ ...asked, oidcScopes, emptyMeansAll: true });
  if ('unknown' in decision) return decision;
  const own = new Set(held.split(' '));
  const mayPass = (name: string) => !oidcScopes.has(name) || (own.has(name) && name !== 'offline_access');
  return { granted: decision.granted.filter(mayPass) };
}
