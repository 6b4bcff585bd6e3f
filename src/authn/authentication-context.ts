/**
 * What a login is worth: the steps that somebody passed, as `amr` (RFC 8176) and `acr` (OIDC Core §2). The only place
 * that computes either.
 */

/** A way in which somebody proves who they are. */
export type Step = 'password';

/** `acr` and `amr` of the ID tokens that come of a login. */
export type AuthenticationContext = { readonly acr: string; readonly amr: readonly string[] };

/** RFC 8176 §2. */
const methods: Readonly<Record<Step, string>> = { password: 'pwd' };

/** What a realm without `acrValues` says of every login. */
const ONLY_LEVEL = '1';

/**
 * `levels`: the realm's `acrValues`, in rising order. One step gives the first level; each further step of another kind
 * gives the next, as far as there is one.
 */
export function authenticationContext(
  levels: readonly string[],
  steps: readonly Step[],
): AuthenticationContext {
  const passed = [...new Set(steps)];
  const level = levels[Math.min(passed.length, levels.length) - 1];
  return { acr: level ?? ONLY_LEVEL, amr: passed.map((step) => methods[step]) };
}

/** Every level that some login of the realm reaches: an essential `acr` beyond these cannot be had. */
export function reachableLevels(levels: readonly string[]): ReadonlySet<unknown> {
  const steps = Object.keys(methods).length;
  return new Set(levels.length === 0 ? [ONLY_LEVEL] : levels.slice(0, steps));
}
