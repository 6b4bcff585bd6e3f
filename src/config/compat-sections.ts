/** Checks the sections of embed products in a realm file, by the same schemas as the facades. */
import type { z } from 'zod';
import type { Problem } from '../registry/model/check-realm.ts';
import type { RealmSettings } from '../registry/model/model.ts';
import { checkDatabrain, databrainSection } from '../surfaces/facades/databrain/options.ts';
import { checkInformer, informerSection } from '../surfaces/facades/informer/options.ts';
import { checkSemaphor, semaphorSection } from '../surfaces/facades/semaphor/options.ts';
import { type Finding, findingsOf } from './schema-hints.ts';

/** `settings` is absent when the settings themselves are at fault: then there is nothing to compare with. */
type Check = (section: unknown, settings: RealmSettings | undefined) => readonly (Finding | Problem)[];

const checks: Readonly<Record<string, Check>> = {
  databrain: checkWith(databrainSection, checkDatabrain),
  semaphor: checkWith(semaphorSection, checkSemaphor),
  informer: checkWith(informerSection, checkInformer),
};

/** Paths from the member that holds all sections. An unknown section is a fault of the realm's own schema. */
export function checkSections(
  sections: Readonly<Record<string, unknown>>,
  settings: RealmSettings | undefined,
): readonly (Finding | Problem)[] {
  return Object.entries(sections).flatMap(([name, section]) => {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    return (check?.(section, settings) ?? []).map((found) => ({ ...found, path: [name, ...found.path] }));
  });
}

function checkWith<T>(
  schema: z.ZodType<T>,
  rules: (settings: RealmSettings, section: T) => readonly Problem[],
): Check {
  return (section, settings) => {
    const parsed = schema.safeParse(section);
    if (parsed.success) return settings === undefined ? [] : rules(settings, parsed.data);
    return parsed.error.issues.flatMap((issue) => findingsOf(schema, issue, section));
  };
}
