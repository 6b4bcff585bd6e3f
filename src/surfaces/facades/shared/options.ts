/** The common part of the sections: each section is a client that mints guest tokens. */

import { z } from 'zod';
import { action } from '../../../guest/grant/actions.ts';
import { dataText, identifier } from '../../../guest/grant/fields.ts';
import { type Problem, repeated, unknownNames } from '../../../registry/model/check-realm.ts';
import type { RealmSettings } from '../../../registry/model/model.ts';
import { LONGEST_LIFE } from '../../../revocation/life.ts';

/** The longest life of a token in seconds, where the section does not say: 30 days. */
const MAX_TTL = 2_592_000;

export const commonFields = {
  /** When off, its addresses do not exist, and what it minted is dead. */
  enabled: z.boolean().optional(),
  /** API (by `id`) that its tokens are for; absent: the realm's default. */
  api: z.string().max(63).optional(),
  /** Seconds that its tokens live at most. */
  maxTtl: z.int().min(1).max(LONGEST_LIFE).default(MAX_TTL),
  /** Tokens without an end, where the product has them. */
  allowNonExpiring: z.boolean().default(false),
  /** Ceiling of what its tokens allow; absent: all that the product's calls can ask for. */
  actions: z.array(action).min(1).optional(),
};

const commonSection = z.object(commonFields);

export type CommonSection = z.infer<typeof commonSection>;

/** A credential in a file or a request. A short one could be guessed. */
export const secret = dataText.min(16).meta({ secret: true });

/** Names of things that tokens are for. */
export const names = z.array(identifier).max(10_000);

/** Problems of the common part, paths from the section. */
export function checkCommon(settings: RealmSettings, { api }: CommonSection): Problem[] {
  if (api === undefined) return [];
  const ids = settings.apis.map(({ id }) => id);
  return unknownNames('API', [api], ids, ['api']).map((problem) => ({ ...problem, path: ['api'] }));
}

/** One problem for each duplicate in a list. It is not repeated, because it may be a secret. */
export function checkUnique(
  values: readonly { readonly value: string; readonly path: readonly (string | number)[] }[],
): Problem[] {
  return repeated(
    values.map(({ value }) => value),
    (index) => values[index]?.path ?? [],
    'value',
  ).map((problem) => ({ ...problem, message: 'is there twice' }));
}
