/**
 * Server-held policies: a grant names one and gives values for its placeholders. The template stays on the server.
 *
 * In a row template a placeholder is the whole value of a comparison, `{ col: state, op: in, value: "{{ state }}" }`.
 * It keeps the type of the value; for `in` and `not_in` a single value becomes a list. The result must be a valid row
 * limit. In connection and schema templates a placeholder may also stand inside a string (`store_{{ tenant }}`); then
 * the value may hold only characters that cannot change the meaning of an address or a name. A parameter whose name
 * ends in `@secret` is filled in only for the resource server of the connection, and never in a row limit.
 */
import { z } from 'zod';
import type { Policy } from '../../registry/model/model.ts';
import { jsonSize } from '../grant/fields.ts';
import type { Granted, PolicyUse } from '../grant/grant.ts';
import { type Rows, rows as rowsSchema } from '../grant/predicate.ts';
import { narrowRows } from '../grant/predicate-narrow.ts';
import { pointerOf, type Refusal, type Refused } from '../grant/refusal.ts';
import type { GuestRealm } from './guest-realm.ts';

/** Whether the answer goes to the resource server that a policy's secrets are for. */
export type SecretReader = (policy: Policy) => boolean;

/** For tokens, clients and logs: no secrets. */
const nobody: SecretReader = () => false;

export type ResolvedPolicy =
  | { readonly kind: 'row'; readonly name: string; readonly rows: Rows }
  | { readonly kind: 'connection' | 'schema'; readonly name: string; readonly value: unknown };

type Param = PolicyUse['params'][string];
type Params = Readonly<Record<string, Param>>;
type Fill = (name: string) => Param | undefined;

const wholePlaceholder = /^\{\{\s*([^{}\s]+)\s*\}\}$/;
const placeholders = /\{\{\s*([^{}\s]+)\s*\}\}/g;
/** Without the state that a global expression keeps between tests. */
const anyPlaceholder = new RegExp(placeholders.source);
const listComparison = z.looseObject({
  op: z.enum(['in', 'not_in']),
  value: z.string().regex(wholePlaceholder),
});
const singleValue = z.looseObject({ value: z.union([z.string(), z.number()]) });
/** Inside a string: no character that separates, quotes or escapes in an address, a path or a name. */
const plainText = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const MAX_RESOLVED = 16_384;
/** Bytes of the row policies of a grant, counted once for each resource. */
const MAX_LIMITS = 524_288;

/** True for a parameter whose value must not appear in a token, an answer to a client or a log. */
export function isSecret(parameter: string): boolean {
  return parameter.endsWith('@secret');
}

/**
 * The policies with their values filled in, in the order of the grant; or `policy_unresolved` for each that is
 * unknown, lacks a value, has one too many, or gives no valid result. Pointers into the grant. `readsSecrets` is only
 * for the resource server of a connection: the result must not go into a token, to another caller or to a log.
 */
export function resolvePolicies(
  uses: readonly PolicyUse[],
  defined: readonly Policy[],
  readsSecrets: SecretReader = nobody,
): { readonly policies: readonly ResolvedPolicy[] } | Refused {
  const refused: Refusal[] = [];
  const policies = uses.flatMap((use, index) => {
    const outcome = resolve(use, defined, readsSecrets);
    if (typeof outcome !== 'string') return [outcome];
    refused.push({ code: 'policy_unresolved', pointer: pointerOf(['policies', index]), message: outcome });
    return [];
  });
  return refused.length > 0 ? { refused } : { policies };
}

/**
 * The grant with its row policies applied: they limit each of its resources. Refused when a resource has too many
 * conditions then, or when the limits that are written once for each resource are too large together.
 */
export function limitRows(
  granted: Granted,
  policies: readonly ResolvedPolicy[],
): { readonly granted: Granted } | Refused {
  const limits = policies.flatMap((policy) => (policy.kind === 'row' ? [policy.rows] : []));
  if (limits.length === 0) return { granted };
  const limit = limits.reduce<Rows | undefined>((held, one) => held && narrowRows(one, held), 'all');
  if (limit !== undefined && jsonSize(limit) * granted.resources.length > MAX_LIMITS) {
    const message = 'are too large for so many resources';
    return { refused: [{ code: 'policy_unresolved', pointer: pointerOf(['policies']), message }] };
  }
  const refused: Refusal[] = [];
  const resources = granted.resources.map((resource, index) => {
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

/**
 * The connection and schema policies that belong to an API of these audiences. Row policies belong to none: they are
 * part of what every API applies.
 */
export function ownPolicies(
  { policies, apis, defaultApi }: Pick<GuestRealm, 'policies' | 'apis' | 'defaultApi'>,
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
  defined: readonly Policy[],
  readsSecrets: SecretReader,
): ResolvedPolicy | string {
  const policy = defined.find((one) => isUseOf(use, [one]));
  if (policy === undefined) return 'is not a known policy';
  const fault = checkParams(policy, use.params);
  if (fault !== undefined) return fault;
  if (policy.kind === 'row') return resolveRow(policy, use.params);
  const missing: string[] = [];
  const withSecrets = readsSecrets(policy);
  const fill: Fill = (name) => (isSecret(name) && !withSecrets ? standing(name) : paramOf(use.params, name));
  const value = fillTemplate(policy.template, fill, missing);
  if (missing.length > 0) return 'has a placeholder without a fitting value';
  return jsonSize(value) > MAX_RESOLVED ? 'is too large' : { kind: policy.kind, name: policy.name, value };
}

function resolveRow({ name, template }: Policy, params: Params): ResolvedPolicy | string {
  const missing: string[] = [];
  const fill: Fill = (parameter) => (isSecret(parameter) ? undefined : paramOf(params, parameter));
  const filled = fillRow(template, fill, missing);
  if (missing.length > 0) return 'has a placeholder without a value';
  const parsed = rowsSchema.safeParse(filled);
  return parsed.success
    ? { kind: 'row', name, rows: parsed.data }
    : 'is not a valid row limit with these values';
}

function checkParams({ parameters }: Policy, params: Params): string | undefined {
  if (Object.keys(params).some((name) => !parameters.includes(name))) {
    return 'has a parameter that the policy does not know';
  }
  // Whoever fills in the result once more would put another value in its place.
  if (Object.values(params).flat().some(looksLikePlaceholder))
    return 'has a parameter whose value is a placeholder';
  return parameters.every((name) => Object.hasOwn(params, name)) ? undefined : 'lacks a parameter';
}

function looksLikePlaceholder(value: string | number): boolean {
  return typeof value === 'string' && anyPlaceholder.test(value);
}

/** Only whole values are filled in. A placeholder elsewhere, or one of a secret, counts as missing. */
function fillRow(template: unknown, fill: Fill, missing: string[]): unknown {
  if (typeof template === 'string') {
    const name = wholePlaceholder.exec(template)?.[1];
    if (name === undefined) {
      if (template.includes('{{')) missing.push(template);
      return template;
    }
    return fillWhole(name, fill, missing);
  }
  const filled = mapMembers(template, (member) => fillRow(member, fill, missing));
  return takesList(template) ? withList(filled) : filled;
}

/** A comparison with a list that is given as one placeholder. */
function takesList(template: unknown): boolean {
  return listComparison.safeParse(template).success;
}

/** A single value becomes a list of one. */
function withList(comparison: unknown): unknown {
  const { data } = singleValue.safeParse(comparison);
  return data === undefined ? comparison : { ...data, value: [data.value] };
}

function fillTemplate(template: unknown, fill: Fill, missing: string[]): unknown {
  if (typeof template !== 'string')
    return mapMembers(template, (member) => fillTemplate(member, fill, missing));
  const whole = wholePlaceholder.exec(template)?.[1];
  if (whole !== undefined) return fillWhole(whole, fill, missing);
  return template.replaceAll(placeholders, (placeholder, name: string) => {
    const value = fill(name);
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text === 'string' && (plainText.test(text) || text === standing(name))) return text;
    missing.push(name);
    return placeholder;
  });
}

function fillWhole(name: string, fill: Fill, missing: string[]): unknown {
  const value = fill(name);
  if (value === undefined) missing.push(name);
  return value;
}

function mapMembers(value: unknown, map: (member: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(map);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, map(member)]));
}

/** A placeholder of a secret, as others than the resource server see it. */
function standing(name: string): string {
  return `{{ ${name} }}`;
}

function paramOf(params: Params, name: string): Param | undefined {
  return Object.hasOwn(params, name) ? params[name] : undefined;
}
