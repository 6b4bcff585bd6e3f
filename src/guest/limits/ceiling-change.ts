/** Compares what a client may mint before and after a change. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { type Mints, mints } from './ceiling.ts';

/**
 * True when some token that `before` allowed might not be allowed by `after`. Both as in realm files; `undefined` for
 * no right to mint. A change of the quota per minute takes nothing from existing tokens.
 */
export function isNarrowerCeiling(before: unknown, after: unknown): boolean {
  const held = mints.safeParse(before).data;
  const kept = mints.safeParse(after).data;
  if (held === undefined || kept === undefined) return held !== undefined;
  return losesOne(held, kept) || isLowered(held, kept) || isOtherwise(held, kept);
}

/** An absent list means everything. */
function losesOne(held: Mints, kept: Mints): boolean {
  const lists = ['types', 'actions', 'formats', 'subjectsFrom', 'tenants', 'policies'] as const;
  return lists.some((name) => hasLost(held[name], kept[name])) || hasLost(held.resources, alsoAlone(kept));
}

/** A ceiling for what lies below a resource covers the resource too. */
function alsoAlone({ resources }: Mints): Mints['resources'] {
  return resources?.flatMap(({ include, ...alone }) =>
    include === undefined ? [alone] : [alone, { ...alone, include }],
  );
}

/** Whether a list lost an entry that it had. An absent list holds everything. */
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

/**
 * Members that cannot be compared: every difference counts as narrower. Such are rows, and APIs where none is named,
 * which means the realm's default one.
 */
function isOtherwise(held: Mints, kept: Mints): boolean {
  const hasOtherRows = kept.rows !== undefined && !isDeepStrictEqual(held.rows, kept.rows);
  const hasOtherApis =
    held.apis === undefined || kept.apis === undefined
      ? held.apis !== kept.apis
      : hasLost(held.apis, kept.apis);
  const hasNewPolicy = hasLost(kept.requiredPolicies ?? [], held.requiredPolicies ?? []);
  return hasOtherRows || hasOtherApis || hasNewPolicy;
}
