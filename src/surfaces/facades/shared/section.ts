/** A product's section of a realm file: its schema, and what a change of it takes away. Pure. */
import type { z } from 'zod';
import { hasLost } from '../../../guest/limits/ceiling-change.ts';
import type { Problem } from '../../../registry/model/check-realm.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import type { CommonSection } from './options.ts';

export type SectionRules<Section> = {
  readonly schema: z.ZodType<Section>;
  /** Problems that the schema cannot see, paths from the section. */
  check(settings: RealmSettings, section: Section): readonly Problem[];
  /** True when a token that `held` let through might not get through `kept`. */
  loses(held: Section, kept: Section): boolean;
};

/** The same for callers that do not know the section's type: sections are as realm files have them. */
export type AnySection = {
  readonly schema: z.ZodType;
  /** No problems for a section that the schema refuses. */
  problemsOf(settings: RealmSettings, section: unknown): readonly Problem[];
  isNarrower(before: unknown, after: unknown): boolean;
};

export function anySection<Section extends CommonSection>(rules: SectionRules<Section>): AnySection {
  const { schema, check, loses } = rules;
  return {
    schema,
    problemsOf(settings, section) {
      const { data } = schema.safeParse(section);
      return data === undefined ? [] : check(settings, data);
    },
    isNarrower(before, after) {
      const held = schema.safeParse(before).data;
      const kept = schema.safeParse(after).data;
      if (held === undefined || kept === undefined) return held !== undefined;
      return losesCommon(held, kept) || loses(held, kept);
    },
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
