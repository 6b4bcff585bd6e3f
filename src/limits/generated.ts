const generated = /^[A-Za-z0-9._~+/=-]{32,512}$/;
const FEWEST_CHARACTERS = 10;

/**
 * Whether a secret looks like one that a machine made: at least 32 characters, ten of them different. Nobody finds
 * such a one by trying, so a right one needs no protection by refusing it.
 */
export function isGenerated(secret: string): boolean {
  return generated.test(secret) && new Set(secret).size >= FEWEST_CHARACTERS;
}
