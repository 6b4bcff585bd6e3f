/** What a change of a compatibility section takes away from tokens that are out. */
import { facades } from './facades.ts';

/**
 * True when a token that the section `before` let through might not get through `after`; both as realm files have them.
 * Other secrets take nothing away: whoever lost one has its tokens cut, or the client.
 */
export function isNarrowerSection(name: string, before: unknown, after: unknown): boolean {
  return facades.find((facade) => facade.name === name)?.section.isNarrower(before, after) === true;
}
