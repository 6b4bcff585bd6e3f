/** Lists a page at a time. A cursor is a place in the list; it says nothing to the caller and needs no memory here. */
import { z } from 'zod';
import { Problem } from '../../../http/problem.ts';
import type { Listed, PageRequest } from '../../../registry/store/listing.ts';

/** The parameters of every list. */
export const pageQuery = {
  /** The `next` of the page before. */
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,2048}$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
};

type Asked = { readonly cursor?: string | undefined; readonly limit: number };

/** The page that was asked for. Throws `Problem` for a cursor that no list has given. */
export function pageOf({ cursor, limit }: Asked): PageRequest {
  return { limit, ...(cursor === undefined ? {} : { after: placeOf(cursor) }) };
}

export function placeOf(cursor: string): string {
  const place = Buffer.from(cursor, 'base64url').toString();
  const isOurs = /^(inf|[0-9.e+]{1,32}):/.test(place) && Buffer.from(place).toString('base64url') === cursor;
  if (isOurs) return place;
  throw new Problem('invalid_request', 'cursor is not the next of a page', {
    faults: [{ code: 'invalid_request', pointer: '/cursor', message: 'is not the next of a page' }],
  });
}

/** The answer of a list: `next` is null on the last page. */
export function listOf<T, Shown>({ items, next }: Listed<T>, show: (item: T) => Shown) {
  return {
    items: items.map(show),
    next: next === undefined ? null : Buffer.from(next).toString('base64url'),
  };
}

/** The schema of such an answer. */
export function listSchema<T extends z.ZodType>(item: T) {
  return z.strictObject({ items: z.array(item), next: z.string().nullable() });
}
