/** A resource of a child token under the same resource of its parent. */
import { isDeepStrictEqual } from 'node:util';
import { narrowColumns } from '../grant/columns.ts';
import type { GrantedResource, Resource } from '../grant/grant.ts';
import { asksForMore, narrowRows } from '../grant/predicate-narrow.ts';
import type { Path, Refuse } from '../grant/refusal.ts';

/** `audiences`: those of the parent token. */
type ParentResource = GrantedResource & { readonly audiences: readonly string[] };

/** The resource as the child gets it. What the child leaves out is as the parent has it. */
export function attenuateResource(parent: ParentResource, asked: Resource, refuse: Refuse): GrantedResource {
  if (asked.include !== undefined && parent.include === undefined) {
    refuse(['include'], 'is not in the parent');
  }
  for (const [index, name] of asked.actions.entries()) {
    if (!parent.actions.includes(name)) refuse(['actions', index], 'is not in the parent');
  }
  return {
    ...asked,
    rows: attenuateRows(parent, asked, refuse),
    ...present('locations', attenuateLocations(parent, asked, refuse)),
    ...present('columns', attenuateColumns(parent, asked, refuse)),
    ...present('filters', attenuateFilters(parent, asked, refuse)),
    ...present('limits', attenuateLimits(parent, asked, refuse)),
  };
}

/** An object with the member, or an empty one when there is no value. */
export function present<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  const member: Partial<Record<Name, Value>> = {};
  if (value !== undefined) member[name] = value;
  return member;
}

/** Child rows = parent AND child. A column that the parent limits may be named again only inside that limit. */
function attenuateRows(parent: GrantedResource, asked: Resource, refuse: Refuse): GrantedResource['rows'] {
  const path = ['rows'];
  if (asked.rows === undefined) {
    refuse(path, 'is required: a predicate, "all" or "none"');
    return 'none';
  }
  if (asksForMore(parent.rows, asked.rows)) {
    refuse(path, 'lets through more than the parent');
    return 'none';
  }
  const narrowed = narrowRows(parent.rows, asked.rows);
  if (narrowed === undefined) refuse(path, 'is too large together with the rows of the parent');
  return narrowed ?? 'none';
}

function attenuateLocations(parent: ParentResource, asked: Resource, refuse: Refuse): Resource['locations'] {
  const held = parent.locations ?? parent.audiences;
  for (const [index, location] of (asked.locations ?? []).entries()) {
    if (!held.includes(location)) refuse(['locations', index], 'is not in the parent');
  }
  return asked.locations ?? parent.locations;
}

function attenuateColumns(parent: Resource, asked: Resource, refuse: Refuse): Resource['columns'] {
  if (parent.columns === undefined || asked.columns === undefined) return asked.columns ?? parent.columns;
  const narrowed = narrowColumns(parent.columns, asked.columns);
  if (narrowed === undefined) refuse(['columns'], 'shows more than the parent');
  return narrowed;
}

function attenuateFilters(parent: Resource, asked: Resource, refuse: Refuse): Resource['filters'] {
  const { filters: held } = parent;
  const { filters: wanted } = asked;
  if (held === undefined || wanted === undefined) return wanted ?? held;
  if (held.show_on_url === false && wanted.show_on_url === true) {
    refuse(['filters', 'show_on_url'], 'is false in the parent');
  }
  return {
    ...held,
    ...wanted,
    ...present('locked', attenuateLocked(held.locked, wanted.locked, below(refuse, ['filters', 'locked']))),
    ...present('hidden', joined(held.hidden, wanted.hidden)),
  };
}

type Locked = NonNullable<NonNullable<Resource['filters']>['locked']>;

function attenuateLocked(held: Locked = {}, wanted: Locked = {}, refuse: Refuse): Locked | undefined {
  refuseOthers(held, wanted, { names: Object.keys(held), refuse });
  const locked = { ...wanted, ...held };
  return Object.keys(locked).length === 0 ? undefined : locked;
}

function attenuateLimits(parent: Resource, asked: Resource, refuse: Refuse): Resource['limits'] {
  const held = parent.limits?.max_rows ?? Number.POSITIVE_INFINITY;
  const wanted = asked.limits?.max_rows ?? held;
  if (wanted > held) refuse(['limits', 'max_rows'], 'is more than in the parent');
  return Number.isFinite(wanted) ? { max_rows: wanted } : undefined;
}

/** The union of two lists; `undefined` for an empty one. */
export function joined(held: readonly string[] = [], asked: readonly string[] = []): string[] | undefined {
  const all = [...new Set([...held, ...asked])];
  return all.length === 0 ? undefined : all;
}

/** A member that both name must be the same in both. */
export function refuseOthers<Fields extends object, Name extends keyof Fields & string>(
  held: Fields,
  asked: Fields,
  { names, refuse }: { readonly names: readonly Name[]; readonly refuse: Refuse },
): void {
  for (const name of names) {
    if (!isNamed(held, name) || !isNamed(asked, name)) continue;
    if (!isDeepStrictEqual(asked[name], held[name])) refuse([name], 'is another one than in the parent');
  }
}

/** Refuses at a path below another. */
export function below(refuse: Refuse, base: Path): Refuse {
  return (path, message) => refuse([...base, ...path], message);
}

function isNamed<Fields extends object>(fields: Fields, name: keyof Fields): boolean {
  return Object.hasOwn(fields, name) && fields[name] !== undefined;
}
