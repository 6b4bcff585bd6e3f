/** The section `compat.semaphor` of a realm. */
import { z } from 'zod';
import { identifier, label } from '../../../guest/grant/fields.ts';
import { type Problem, repeated, unknownNames } from '../../../registry/model/check-realm.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import { checkCommon, commonFields, secret } from '../shared/options.ts';

const policyNames = z.array(label(128)).max(20);

export const semaphorSection = z.strictObject({
  ...commonFields,
  dashboards: z
    .array(z.strictObject({ id: identifier, secret, project: identifier.optional() }))
    .max(10_000)
    .default([]),
  projects: z
    .array(z.strictObject({ id: identifier, secret }))
    .max(10_000)
    .default([]),
  /** Names of policies that `cls`, `sls` and `rcls` may use. */
  policies: policyNames.default([]),
  /** Names of policies that every token is limited by, filled in from its `securityParams`. */
  assignedPolicies: policyNames.default([]),
  /** What the product's component takes for the address of its API; absent: the realm's. */
  apiServiceUrl: z.url({ protocol: /^https?$/ }).optional(),
});

export type SemaphorSection = z.infer<typeof semaphorSection>;

/** Problems that the schema cannot see, paths from the section. */
export function checkSemaphor(settings: RealmSettings, section: SemaphorSection): Problem[] {
  const known = settings.policies.map(({ name }) => name);
  const idsOf = (list: 'dashboards' | 'projects') =>
    repeated(
      section[list].map(({ id }) => id),
      (index) => [list, index, 'id'],
      'resource',
    );
  return [
    ...checkCommon(settings, section),
    ...idsOf('dashboards'),
    ...idsOf('projects'),
    ...unknownNames('policy', section.policies, known, ['policies']),
    ...unknownNames('policy', section.assignedPolicies, known, ['assignedPolicies']),
  ];
}
