/** How long things live at most, and for how long a cut must be remembered because of that. All in seconds. */

/** The longest life of a token, session or grant: 60 days. */
export const LONGEST_LIFE = 5_184_000;

/**
 * Seconds that a cut is remembered: longer than anything below it lives, plus a day until expired records are
 * deleted.
 */
export const CUT_TTL = LONGEST_LIFE + 86_400;

/** The same for cuts above guest tokens that never expire (of a realm, a client or guest tokens): ten years. */
export const LASTING_CUT_TTL = 315_360_000;
