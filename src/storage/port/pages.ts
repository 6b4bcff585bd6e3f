import type { Page } from './port.ts';

/** A page of an index, cut off at the first member that does not begin with `prefix`. */
export function beginningWith(prefix: string, { members, next }: Page): Page {
  const end = members.findIndex((member) => !member.startsWith(prefix));
  if (end >= 0) return { members: members.slice(0, end) };
  return next === undefined ? { members } : { members, next };
}
