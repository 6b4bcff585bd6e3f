/** What a compatibility section lets its tokens be, before and after a change of it. Pure. */
import type { z } from 'zod';
import { hasLost } from '../../guest/limits/ceiling-change.ts';
import { type DatabrainSection, databrainSection } from './databrain/options.ts';
import { type InformerSection, informerSection } from './informer/options.ts';
import { type SemaphorSection, semaphorSection } from './semaphor/options.ts';
import type { CommonSection } from './shared/options.ts';

type Changed = (before: unknown, after: unknown) => boolean;

const changes: Readonly<Record<string, Changed>> = {
  databrain: changeOf(databrainSection, losesDatabrain),
  semaphor: changeOf(semaphorSection, losesSemaphor),
  informer: changeOf(informerSection, losesInformer),
};

/**
 * True when a token that the section `before` let through might not get through `after`; both as realm files have them.
 * Other secrets take nothing away: whoever lost one has its tokens cut, or the client.
 */
export function isNarrowerSection(name: string, before: unknown, after: unknown): boolean {
  return changes[name]?.(before, after) === true;
}

function changeOf<Section extends CommonSection>(
  schema: z.ZodType<Section>,
  loses: (held: Section, kept: Section) => boolean,
): Changed {
  return (before, after) => {
    const held = schema.safeParse(before).data;
    const kept = schema.safeParse(after).data;
    if (held === undefined || kept === undefined) return held !== undefined;
    return losesCommon(held, kept) || loses(held, kept);
  };
}

function losesCommon(held: CommonSection, kept: CommonSection): boolean {
  return (
    held.api !== kept.api ||
    kept.maxTtl < held.maxTtl ||
    (held.allowNonExpiring && !kept.allowNonExpiring) ||
    hasLost(held.actions, kept.actions)
  );
}

function losesDatabrain(held: DatabrainSection, kept: DatabrainSection): boolean {
  return (
    hasLost(held.workspaces, kept.workspaces) ||
    hasLost(held.datasources, kept.datasources) ||
    hasLost(namesIn(held.dataApps), namesIn(kept.dataApps))
  );
}

function namesIn(dataApps: DatabrainSection['dataApps']): readonly string[] {
  return dataApps.map(({ name }) => name);
}

function losesSemaphor(held: SemaphorSection, kept: SemaphorSection): boolean {
  return (
    hasLost(withoutSecrets(held.dashboards), withoutSecrets(kept.dashboards)) ||
    hasLost(withoutSecrets(held.projects), withoutSecrets(kept.projects)) ||
    hasLost(held.policies, kept.policies) ||
    // One more that every token is limited by.
    hasLost(kept.assignedPolicies, held.assignedPolicies)
  );
}

function withoutSecrets(resources: SemaphorSection['dashboards']): readonly object[] {
  return resources.map(({ secret: _, ...resource }) => resource);
}

const informerLists = ['reports', 'datasources', 'assistants', 'visuals', 'datasets', 'queries'] as const;

function losesInformer(held: InformerSection, kept: InformerSection): boolean {
  return informerLists.some((name) => hasLost(held[name], kept[name]));
}
