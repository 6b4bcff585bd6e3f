/** The section `compat.semaphor` of a realm. */
import { z } from 'zod';
import { identifier, label } from '../../../guest/grant/fields.ts';
import { hasLost } from '../../../guest/limits/ceiling-change.ts';
import { type Problem, repeated, unknownNames } from '../../../registry/model/check-realm.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import { checkCommon, commonFields, secret } from '../shared/options.ts';
import type { SectionRules } from '../shared/section.ts';

const policyNames = z.array(label(128)).max(20);

const schema = z.strictObject({
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
  /** Names of policies that limit every token, with values from its `securityParams`. */
  assignedPolicies: policyNames.default([]),
  /** The address of the API for the product's component; absent: the realm's. */
  apiServiceUrl: z.url({ protocol: /^https?$/ }).optional(),
});

export type SemaphorSection = z.infer<typeof schema>;

function check(settings: RealmSettings, section: SemaphorSection): Problem[] {
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

function loses(held: SemaphorSection, kept: SemaphorSection): boolean {
  return (
    hasLost(withoutSecrets(held.dashboards), withoutSecrets(kept.dashboards)) ||
    hasLost(withoutSecrets(held.projects), withoutSecrets(kept.projects)) ||
    hasLost(held.policies, kept.policies) ||
    // One more policy that limits every token.
    hasLost(kept.assignedPolicies, held.assignedPolicies)
  );
}

function withoutSecrets(resources: SemaphorSection['dashboards']): readonly object[] {
  return resources.map(({ secret: _, ...resource }) => resource);
}

export const semaphorRules: SectionRules<SemaphorSection> = { schema, check, loses };
