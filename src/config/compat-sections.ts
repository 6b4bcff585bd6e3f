/** Checks the sections of embed products in a realm file, by the same schemas as the facades. */
import type { Problem } from '../registry/model/check-realm.ts';
import { inWords } from '../registry/model/issue-words.ts';
import type { RealmSettings } from '../registry/model/model.ts';
import { facades } from '../surfaces/facades/facades.ts';
import { didYouMean } from './faults.ts';
import { type Finding, findingsOf } from './schema-hints.ts';

/**
 * Paths from the member that holds all sections. `settings` is absent when the settings themselves are at fault: then
 * there is nothing to compare with.
 */
export function checkSections(
  sections: Readonly<Record<string, unknown>>,
  settings: RealmSettings | undefined,
): readonly (Finding | Problem)[] {
  return Object.entries(sections).flatMap(([name, section]) =>
    checkSection(name, section, settings).map((found) => ({ ...found, path: [name, ...found.path] })),
  );
}

function checkSection(
  name: string,
  given: unknown,
  settings: RealmSettings | undefined,
): readonly (Finding | Problem)[] {
  const section = facades.find((facade) => facade.name === name)?.section;
  if (section === undefined) {
    const known = facades.map((facade) => facade.name);
    return [{ path: [], message: `there is no such field${didYouMean(name, known)}`, isKey: true }];
  }
  const { error } = section.schema.safeParse(given, inWords);
  if (error !== undefined) return error.issues.flatMap((issue) => findingsOf(section.schema, issue, given));
  return settings === undefined ? [] : section.problemsOf(settings, given);
}
