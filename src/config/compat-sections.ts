/** The compatibility sections of a realm file, checked as the facades that read them do. */
import type { Problem } from '../registry/model/check-realm.ts';
import type { RealmSettings } from '../registry/model/model.ts';
import { facades } from '../surfaces/facades/facades.ts';
import { didYouMean } from './faults.ts';
import { type Finding, findingsOf } from './schema-hints.ts';

/**
 * Paths from the whole of the sections. `settings` are absent when they are at fault themselves: then there is nothing
 * to compare with.
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
  const { error } = section.schema.safeParse(given);
  if (error !== undefined) return error.issues.flatMap((issue) => findingsOf(section.schema, issue, given));
  return settings === undefined ? [] : section.problemsOf(settings, given);
}
