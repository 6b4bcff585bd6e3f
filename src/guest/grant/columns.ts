/** Which columns a guest sees, and which of them masked. Column names are compared without regard to case. */
import { z } from 'zod';
import { columnName, setOf } from './fields.ts';

export const MAX_NAMES = 200;
const names = setOf(columnName, MAX_NAMES);

const mask = z.enum(['null', 'hash', 'last4', 'bucket']);

export const columns = z
  .strictObject({
    /** The only columns that are shown. An empty list shows none. */
    allow: names.optional(),
    /** Every column is shown but these. */
    deny: names.min(1).optional(),
    /** For a visible column: what is shown in place of its value. */
    mask: z
      .record(columnName, mask)
      .refine((map) => Object.keys(map).length <= MAX_NAMES, `must have at most ${MAX_NAMES} names`)
      .optional(),
  })
  .refine(({ allow, deny }) => allow === undefined || deny === undefined, 'must have allow or deny, not both')
  .refine((given) => Object.keys(given).length > 0, 'must have allow, deny or mask');

export type Mask = z.infer<typeof mask>;
export type Columns = z.infer<typeof columns>;

/** `show` the value, `deny` the column, or show the value masked. */
export type ColumnDecision = 'show' | 'deny' | { readonly mask: Mask };

/** Decides on a column by its name as the resource server knows it. Without a policy every column is shown. */
export function decideColumn(policy: Columns | undefined, name: string): ColumnDecision {
  if (policy === undefined) return 'show';
  if (!isVisible(policy, name)) return 'deny';
  const masked = maskOf(policy, name);
  return masked === undefined ? 'show' : { mask: masked };
}

/**
 * The child's policy under its parent's: never more than either shows. `undefined` when the child asks for a column
 * that the parent denies, for another mask than the parent's (but `null`, which shows nothing), or has too many names.
 */
export function narrowColumns(parent: Columns, child: Columns): Columns | undefined {
  if (child.allow?.some((name) => !isVisible(parent, name)) === true) return undefined;
  const visible = narrowNames(parent, child);
  const masks = narrowMasks(parent, child);
  if (masks === undefined || (visible.deny?.length ?? 0) > MAX_NAMES) return undefined;
  return { ...visible, ...(Object.keys(masks).length === 0 ? {} : { mask: masks }) };
}

function narrowNames(parent: Columns, child: Columns): Pick<Columns, 'allow' | 'deny'> {
  const allow = child.allow ?? parent.allow;
  if (allow !== undefined) return { allow: allow.filter((name) => isVisible(child, name)) };
  const deny = [...new Set([...(parent.deny ?? []), ...(child.deny ?? [])])];
  return deny.length === 0 ? {} : { deny };
}

function narrowMasks(parent: Columns, child: Columns): Record<string, Mask> | undefined {
  const wanted = Object.entries(child.mask ?? {});
  const unlikeParent = wanted.filter(([name, given]) => ![undefined, given].includes(maskOf(parent, name)));
  if (unlikeParent.some(([, given]) => given !== 'null')) return undefined;
  const kept = Object.entries(parent.mask ?? {}).filter(([name]) => maskOf(child, name) === undefined);
  const masks = [...kept, ...wanted];
  return masks.length <= MAX_NAMES ? Object.fromEntries(masks) : undefined;
}

function isVisible(policy: Columns, name: string): boolean {
  const { allow, deny } = indexOf(policy);
  if (allow !== undefined) return allow.has(name);
  return deny === undefined || !deny.has(folded(name));
}

function maskOf(policy: Columns, name: string): Mask | undefined {
  const { masks } = indexOf(policy);
  return masks.size === 0 ? undefined : masks.get(folded(name));
}

/** The names of a policy, each folded once: a child is compared with its parent name by name. */
type ColumnIndex = {
  readonly allow: ReadonlySet<string> | undefined;
  readonly deny: ReadonlySet<string> | undefined;
  /** By folded name. Of two names that fold to one the first counts. */
  readonly masks: ReadonlyMap<string, Mask>;
};

const indexes = new WeakMap<Columns, ColumnIndex>();

function indexOf(policy: Columns): ColumnIndex {
  const known = indexes.get(policy);
  if (known !== undefined) return known;
  const { allow, deny, mask: given = {} } = policy;
  const index = {
    allow: allow && new Set(allow),
    deny: deny && new Set(deny.map(folded)),
    masks: new Map(
      Object.entries(given)
        .map(([name, one]) => [folded(name), one] as const)
        .reverse(),
    ),
  };
  indexes.set(policy, index);
  return index;
}

/** Databases find a column in any case, some also without accents. A denied name is denied in all these forms. */
function folded(name: string): string {
  return name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase();
}
