/** The section `compat.databrain` of a realm. */
import { z } from 'zod';
import { identifier } from '../../../guest/grant/fields.ts';
import { hasLost } from '../../../guest/limits/ceiling-change.ts';
import { type Problem, repeated } from '../../../registry/model/check-realm.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import { checkCommon, checkUnique, commonFields, names, secret } from '../shared/options.ts';
import type { SectionRules } from '../shared/section.ts';

const schema = z.strictObject({
  ...commonFields,
  /** They manage API tokens and mint nothing. Rotated ones are in the store. */
  serviceTokens: z.array(secret).max(100).default([]),
  /** Names that the first version's `workspaceName` may have. */
  workspaces: names.default([]),
  /** Names that `datasourceName` may have; with several of them it must be given. */
  datasources: names.default([]),
  dataApps: z
    .array(
      z.strictObject({
        name: identifier,
        /** The initial keys. The product's own calls make further ones, and rotate all of them. */
        apiKeys: z.array(secret).max(100).default([]),
      }),
    )
    .max(1000)
    .default([]),
});

export type DatabrainSection = z.infer<typeof schema>;

function check(settings: RealmSettings, section: DatabrainSection): Problem[] {
  const { serviceTokens, dataApps } = section;
  return [
    ...checkCommon(settings, section),
    ...repeated(
      dataApps.map(({ name }) => name),
      (index) => ['dataApps', index, 'name'],
      'data app',
    ),
    ...checkUnique([
      ...serviceTokens.map((value, index) => ({ value, path: ['serviceTokens', index] })),
      ...dataApps.flatMap(({ apiKeys }, app) =>
        apiKeys.map((value, index) => ({ value, path: ['dataApps', app, 'apiKeys', index] })),
      ),
    ]),
  ];
}

function loses(held: DatabrainSection, kept: DatabrainSection): boolean {
  return (
    hasLost(held.workspaces, kept.workspaces) ||
    hasLost(held.datasources, kept.datasources) ||
    hasLost(namesIn(held.dataApps), namesIn(kept.dataApps))
  );
}

function namesIn(dataApps: DatabrainSection['dataApps']): readonly string[] {
  return dataApps.map(({ name }) => name);
}

export const databrainRules: SectionRules<DatabrainSection> = { schema, check, loses };
