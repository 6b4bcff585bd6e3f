import type { SigningAlg } from '../../keys/ring.ts';
import type { RealmView } from '../../registry/model/realm-view.ts';

/**
 * ES256 is the default. RS256 is there as well, because OIDC Core §15.1 requires it of a provider and it is what
 * a client gets that registers without a choice; further ones where the realm or an API asks for them.
 */
export function signingAlgorithmsOf(view: RealmView): readonly SigningAlg[] {
  const known = found.get(view) ?? [
    ...new Set<SigningAlg>([
      'ES256',
      'RS256',
      ...[view.idTokenSignedResponseAlg ?? [], view.apis.map((api) => api.tokens.alg ?? [])].flat(2),
    ]),
  ];
  found.set(view, known);
  return known;
}

/** Every request asks for it, so it is computed once per view. */
const found = new WeakMap<RealmView, readonly SigningAlg[]>();
