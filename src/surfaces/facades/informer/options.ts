/** The section `compat.informer` of a realm. */
import { z } from 'zod';
import { hasLost } from '../../../guest/limits/ceiling-change.ts';
import { permissionsOf } from '../../../registry/model/built-in-api.ts';
import { type Problem, unknownNames } from '../../../registry/model/check-realm.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import { checkCommon, commonFields, names } from '../shared/options.ts';
import type { SectionRules } from '../shared/section.ts';

const permission = z.string().regex(/^[^:]+:.+$/, 'must be api:permission');

export const informerSection = z.strictObject({
  ...commonFields,
  // The things that tokens can be for, by id.
  reports: names.default([]),
  datasources: names.default([]),
  assistants: names.default([]),
  visuals: names.default([]),
  datasets: names.default([]),
  queries: names.default([]),
  /** Where a report is shown; `{token}` stands for the token. */
  viewer: z
    .url({ protocol: /^https?$/ })
    .refine((address) => address.includes('{token}'), 'must hold {token}')
    .optional(),
  /** The permission that a caller needs to list and get tokens, as `api:permission`. */
  readPermission: permission,
  /** The same to create, delete, publish and unpublish. */
  writePermission: permission,
});

export type InformerSection = z.infer<typeof informerSection>;

function check(settings: RealmSettings, section: InformerSection): Problem[] {
  const known = [...permissionsOf(settings)];
  const unknown = (['readPermission', 'writePermission'] as const).flatMap((field) =>
    unknownNames('permission', [section[field]], known, []).map((problem) => ({ ...problem, path: [field] })),
  );
  return [...checkCommon(settings, section), ...unknown];
}

const lists = ['reports', 'datasources', 'assistants', 'visuals', 'datasets', 'queries'] as const;

function loses(held: InformerSection, kept: InformerSection): boolean {
  return lists.some((name) => hasLost(held[name], kept[name]));
}

export const informerRules: SectionRules<InformerSection> = { schema: informerSection, check, loses };
