/**
 * Server-held policies: a grant names one and gives values for its placeholders. The template stays on the server.
 *
 * In a row template a placeholder is the whole value of a comparison, `{ col: state, op: in, value: "{{ state }}" }`.
 * It keeps the type of the value; for `in` and `not_in` a single value becomes a list. The result must be a valid row
 * limit. In connection and schema templates a placeholder may also stand inside a string (`store_{{ tenant }}`); then
 * the value may hold only characters that cannot change the meaning of an address or a name. A parameter whose name
 * ends in `@secret` is filled in only for the resource server of the connection, and never in a row limit.
 * Placeholders of the guest (`{{ subject.tenant }}`) are filled in by the server; nobody gives values for them.
 */
import { pointerOf } from '../../base/json-pointer.ts';
import type { Api, Policy } from '../../registry/model/model.ts';
import { jsonSize } from '../grant/fields.ts';
import type { Granted, PolicyUse, Resource, Subject } from '../grant/grant.ts';
import { type Rows, rows as rowsSchema } from '../grant/predicate.ts';
import { narrowRows } from '../grant/predicate-narrow.ts';
import type { Refusal, Refused } from '../grant/refusal.ts';
import {
  type Fill,
  fillRow,
  fillTemplate,
  isOfSubject,
  isPlaceholder,
  standing,
  subjectValue,
} from './templates.ts';

/** Whether the answer goes to the resource server that a policy's secrets are for. */
export type SecretReader = (policy: Policy) => boolean;

/** For tokens, clients and logs: no secrets. */
const nobody: SecretReader = () => false;

export type ResolvedPolicy =
  | {
      readonly kind: 'row';
      readonly name: string;
      readonly rows: Rows;
      /** The only resources that it limits. Absent: all. */
      readonly resources?: Policy['resources'];
    }
  | { readonly kind: 'connection' | 'schema'; readonly name: string; readonly value: unknown };

const MAX_RESOLVED = 16_384;
/** Bytes of the row policies of a grant, counted once for each resource. */
const MAX_LIMITS = 524_288;

/** True for a parameter whose value must not appear in a token, an answer to a client or a log. */
export function isSecret(parameter: string): boolean {
  return parameter.endsWith('@secret');
}

/** What the values of policies come from, beside the references to them. */
export type Resolving = {
  readonly defined: readonly Policy[];
  readonly subject: Subject;
  readonly readsSecrets?: SecretReader | undefined;
};

/**
 * The policies with their values filled in, in the order of the grant; or `policy_unresolved` for each that is
 * unknown, lacks a value, has one too many, or gives no valid result. Pointers into the grant. `readsSecrets` is only
 * for the resource server of a connection: the result must not go into a token, to another caller or to a log.
 */
export function resolvePolicies(
  uses: readonly PolicyUse[],
  { defined, subject, readsSecrets = nobody }: Resolving,
): { readonly policies: readonly ResolvedPolicy[] } | Refused {
  const refused: Refusal[] = [];
  const policies = uses.flatMap((use, index) => {
    const outcome = resolve(use, { defined, subject, readsSecrets });
    if (typeof outcome !== 'string') return [outcome];
    refused.push({ code: 'policy_unresolved', pointer: pointerOf(['policies', index]), message: outcome });
    return [];
  });
  return refused.length > 0 ? { refused } : { policies };
}

/**
 * The grant with its row policies applied: they limit each of its resources, or those that the policy names. Refused
 * when a resource has too many conditions then, or when the limits that are written once for each resource are too
 * large together.
 */
export function limitRows(
  granted: Granted,
  policies: readonly ResolvedPolicy[],
): { readonly granted: Granted } | Refused {
  const limitOf = limitReader(policies);
  const size = granted.resources.reduce((sum, resource) => sum + limitOf(resource).size, 0);
  if (size > MAX_LIMITS) {
    const message = 'are too large for so many resources';
    return { refused: [{ code: 'policy_unresolved', pointer: pointerOf(['policies']), message }] };
  }
  const refused: Refusal[] = [];
  const resources = granted.resources.map((resource, index) => {
    const { limit } = limitOf(resource);
    const limited = limit && narrowRows(limit, resource.rows);
    if (limited !== undefined) return { ...resource, rows: limited };
    const pointer = pointerOf(['resources', index, 'rows']);
    refused.push({
      code: 'policy_unresolved',
      pointer,
      message: 'is too large together with the row policies',
    });
    return resource;
  });
  return refused.length > 0 ? { refused } : { granted: { ...granted, resources } };
}

/** `limit` is `undefined` when it has too many conditions; `size` is in bytes, 0 where nothing limits. */
type Limit = { readonly limit: Rows | undefined; readonly size: number };

/** What the row policies make of a resource. Resources that the same policies limit share one answer. */
function limitReader(policies: readonly ResolvedPolicy[]): (resource: Resource) => Limit {
  const made = new Map<string, Limit>();
  return (resource) => {
    const limiting = policies.filter((policy) => isLimiting(policy, resource));
    const key = limiting.map((policy) => policies.indexOf(policy)).join();
    const limit = made.get(key) ?? limitOf(limiting.map(({ rows }) => rows));
    made.set(key, limit);
    return limit;
  };
}

function limitOf(limits: readonly Rows[]): Limit {
  const limit = limits.reduce<Rows | undefined>((held, one) => held && narrowRows(one, held), 'all');
  return { limit, size: limit === undefined || limits.length === 0 ? 0 : jsonSize(limit) };
}

type Defined = {
  readonly policies: readonly Policy[];
  readonly apis: readonly Api[];
  readonly defaultApi: Api;
};

function isLimiting(
  policy: ResolvedPolicy,
  { type, id }: Pick<Resource, 'type' | 'id'>,
): policy is Extract<ResolvedPolicy, { kind: 'row' }> {
  if (policy.kind !== 'row') return false;
  const { resources } = policy;
  return resources?.some((one) => one.type === type && (one.id === undefined || one.id === id)) !== false;
}

/**
 * The connection and schema policies that belong to an API of these audiences. Row policies belong to none: they are
 * part of what every API applies.
 */
export function ownPolicies(
  { policies, apis, defaultApi }: Defined,
  audiences: ReadonlySet<string>,
): readonly Policy[] {
  return policies.filter(({ kind, api: id }) => {
    const api = id === undefined ? defaultApi : apis.find((one) => one.id === id);
    return kind !== 'row' && api !== undefined && audiences.has(api.audience);
  });
}

/** Whether a reference by kind and name means one of these policies. */
export function isUseOf({ kind, name }: Pick<Policy, 'kind' | 'name'>, policies: readonly Policy[]): boolean {
  return policies.some((policy) => policy.kind === kind && policy.name === name);
}

/** The policies of a grant, without the values of secrets. */
export function withoutSecrets(uses: readonly PolicyUse[]): PolicyUse[] {
  return uses.map((use) => ({
    ...use,
    params: Object.fromEntries(Object.entries(use.params).filter(([name]) => !isSecret(name))),
  }));
}

/** The policy, or what is wrong with the reference to it. */
function resolve(
  use: PolicyUse,
  { defined, subject, readsSecrets = nobody }: Resolving,
): ResolvedPolicy | string {
  const policy = defined.find((one) => isUseOf(use, [one]));
  if (policy === undefined) return 'is not a known policy';
  const fault = checkParams(policy, use.params);
  if (fault !== undefined) return fault;
  const given: Fill = (name) => {
    const value = isOfSubject(name) ? subjectValue(subject, name) : paramOf(use.params, name);
    return isPlaceholder(value) ? undefined : value;
  };
  if (policy.kind === 'row') return resolveRow(policy, given);
  const missing: string[] = [];
  const withSecrets = readsSecrets(policy);
  const fill: Fill = (name) => (isSecret(name) && !withSecrets ? standing(name) : given(name));
  const value = fillTemplate(policy.template, fill, missing);
  if (missing.length > 0) return 'has a placeholder without a fitting value';
  return jsonSize(value) > MAX_RESOLVED ? 'is too large' : { kind: policy.kind, name: policy.name, value };
}

function resolveRow({ name, template, resources }: Policy, given: Fill): ResolvedPolicy | string {
  const missing: string[] = [];
  const fill: Fill = (parameter) => (isSecret(parameter) ? undefined : given(parameter));
  const filled = fillRow(template, fill, missing);
  if (missing.length > 0) return 'has a placeholder without a value';
  const parsed = rowsSchema.safeParse(filled);
  return parsed.success
    ? { kind: 'row', name, rows: parsed.data, ...(resources === undefined ? {} : { resources }) }
    : 'is not a valid row limit with these values';
}

function checkParams({ parameters }: Policy, params: PolicyUse['params']): string | undefined {
  if (Object.keys(params).some((name) => !parameters.includes(name))) {
    return 'has a parameter that the policy does not know';
  }
  if (Object.values(params).some(isPlaceholder)) return 'has a parameter whose value is a placeholder';
  return parameters.every((name) => Object.hasOwn(params, name)) ? undefined : 'lacks a parameter';
}

function paramOf(params: PolicyUse['params'], name: string): unknown {
  return Object.hasOwn(params, name) ? params[name] : undefined;
}
