/** What a client may mint, before and after a change of it. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { type Mints, mints } from './ceiling.ts';

/**
 * True when a token that the ceiling `before` let through might not get through `after`; both as realm files have them,
 * `undefined` for no right to mint. How many tokens a minute takes nothing away from those that there are.
 */
export function isNarrowerCeiling(before: unknown, after: unknown): boolean {
  const held = mints.safeParse(before).data;
  const kept = mints.safeParse(after).data;
  if (held === undefined || kept === undefined) return held !== undefined;
  return losesOne(held, kept) || isLowered(held, kept) || isOtherwise(held, kept);
}

/** A list that is absent is all there is. */
function losesOne(held: Mints, kept: Mints): boolean {
  const lists = ['types', 'actions', 'formats', 'subjectsFrom', 'tenants', 'policies'] as const;
  return lists.some((name) => hasLost(held[name], kept[name])) || hasLost(held.resources, alsoAlone(kept));
}

/** Whoever has what lies below a resource has the resource. */
function alsoAlone({ resources }: Mints): Mints['resources'] {
  return resources?.flatMap(({ include, ...alone }) =>
    include === undefined ? [alone] : [alone, { ...alone, include }],
  );
}

/** Whether a list (of what one schema made) lost something that it had; absent it holds everything. */
export function hasLost(held: readonly unknown[] | undefined, kept: readonly unknown[] | undefined): boolean {
  if (kept === undefined) return false;
  const still = new Set(kept.map((one) => JSON.stringify(one)));
  return held === undefined || held.some((one) => !still.has(JSON.stringify(one)));
}

function isLowered(held: Mints, kept: Mints): boolean {
  return (
    kept.maxTtl < held.maxTtl ||
    kept.maxRefresh < held.maxRefresh ||
    (held.allowNonExpiring && !kept.allowNonExpiring)
  );
}

/** Where one is not known to hold the other: other rows, and no API named, which is the realm's default one. */
function isOtherwise(held: Mints, kept: Mints): boolean {
  const hasOtherRows = kept.rows !== undefined && !isDeepStrictEqual(held.rows, kept.rows);
  const hasOtherApis =
    held.apis === undefined || kept.apis === undefined
      ? held.apis !== kept.apis
      : hasLost(held.apis, kept.apis);
  return hasOtherRows || hasOtherApis;
}
