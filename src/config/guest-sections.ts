/**
 * Checks what a realm file says of guest tokens, by the same schemas as minting: `guests`, and `mints` of each
 * client.
 */
import type { z } from 'zod';
import { guestPolicy } from '../guest/grant/guest-policy.ts';
import { type Mints, mints } from '../guest/limits/ceiling.ts';
import { type Problem, unknownNames } from '../registry/model/check-realm.ts';
import { inWords } from '../registry/model/issue-words.ts';
import type { RealmSettings } from '../registry/model/model.ts';
import { type Finding, findingsOf } from './schema-hints.ts';

type Found = Finding | Problem;

/** Paths from the whole file. `settings` is absent when the settings themselves are at fault. */
export function checkGuestSections(
  file: Readonly<Record<string, unknown>>,
  settings: RealmSettings | undefined,
): readonly Found[] {
  const clients: readonly unknown[] = Array.isArray(file['clients']) ? file['clients'] : [];
  return [
    ...(file['guests'] === undefined ? [] : issuesOf(guestPolicy, file['guests'], ['guests'])),
    ...clients.flatMap((client, index) => {
      const given = mintsOf(client);
      return given === undefined ? [] : checkMints(given, settings, ['clients', index, 'mints']);
    }),
  ];
}

type Path = readonly (string | number)[];

function mintsOf(client: unknown): unknown {
  return typeof client === 'object' && client !== null && 'mints' in client ? client.mints : undefined;
}

function checkMints(given: unknown, settings: RealmSettings | undefined, path: Path): readonly Found[] {
  const parsed = mints.safeParse(given);
  if (!parsed.success) return issuesOf(mints, given, path);
  if (settings === undefined) return [];
  return namesOf(parsed.data, settings).map((problem) => ({ ...problem, path: [...path, ...problem.path] }));
}

function namesOf(
  { apis, policies, requiredPolicies, resources, types }: Mints,
  settings: RealmSettings,
): readonly Problem[] {
  const known = settings.policies.map(({ name }) => name);
  const ids = settings.apis.map(({ id }) => id);
  const outside = (resources ?? []).flatMap(({ type }, index) =>
    types.includes(type) ? [] : [{ path: ['resources', index, 'type'], message: 'is not one of types' }],
  );
  return [
    ...unknownNames('API', apis ?? [], ids, ['apis']),
    ...unknownNames('policy', policies ?? [], known, ['policies']),
    ...unknownNames('policy', requiredPolicies ?? [], known, ['requiredPolicies']),
    ...outside,
  ];
}

function issuesOf(schema: z.ZodType, given: unknown, path: Path): readonly Finding[] {
  const issues = schema.safeParse(given, inWords).error?.issues ?? [];
  return issues
    .flatMap((issue) => findingsOf(schema, issue, given))
    .map((finding) => ({ ...finding, path: [...path, ...finding.path] }));
}
