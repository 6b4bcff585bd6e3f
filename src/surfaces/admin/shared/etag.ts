/**
 * Entity tags (RFC 9110 §8.8.3) and the conditions that rest on them. A tag is a keyed digest of the thing as stored,
 * secrets included: it tells nothing of them, and changes when they do.
 */
import type { Context } from 'koa';
import { Problem } from '../../../http/problem.ts';

export type Tagger = (thing: unknown) => string;

/** `digest`: a keyed one; the same in every process. */
export function createTagger(digest: (plain: string, context: string) => string): Tagger {
  return (thing) => `"${digest(JSON.stringify(thing, inOrder), 'entity-tag').slice(0, 22)}"`;
}

/** The same thing has the same tag, whatever the order in which its members were written. */
function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * Refuses a change of a thing that somebody else has changed since the caller read it. Without `If-Match` nobody knows
 * (RFC 6585 §3). `*` stands for whatever is there.
 */
export function requireMatch(ctx: Context, tag: string): void {
  const given = ctx.get('If-Match');
  if (given === '') {
    throw new Problem('precondition_required', 'send If-Match with the ETag of what you have read');
  }
  if (given.trim() === '*' || tagsOf(given).includes(tag)) return;
  throw new Problem('precondition_failed', 'it has been changed since you read it: read it again', {
    headers: { ETag: tag },
  });
}

/** Whether the caller has this very version already (RFC 9110 §13.1.2). */
export function isKnown(ctx: Context, tag: string): boolean {
  const given = ctx.get('If-None-Match');
  return given.trim() === '*' || tagsOf(given).includes(tag);
}

function tagsOf(header: string): readonly string[] {
  return header
    .slice(0, 4096)
    .split(',')
    .map((tag) => tag.trim());
}
