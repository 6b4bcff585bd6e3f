import type { SigningAlg } from '../../keys/ring.ts';
import type { RealmView } from '../../registry/model/realm-view.ts';

/**
 * ES256 is the default. RS256 is there as well, because OIDC Core §15.1 requires it of a provider and it is what
 * a client gets that registers without a choice; further ones where an API asks for them.
 */
export function signingAlgorithmsOf(view: RealmView): readonly SigningAlg[] {
  const known = found.get(view) ?? [
    ...new Set<SigningAlg>(['ES256', 'RS256', ...view.apis.flatMap((api) => api.tokens.alg ?? [])]),
  ];
  found.set(view, known);
  return known;
}

/** Every request asks for it, so it is computed once per view. */
const found = new WeakMap<RealmView, readonly SigningAlg[]>();
