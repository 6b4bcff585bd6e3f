/**
 * What was wrong, in words, when a parser or a check of the library's failed. Its message may quote what was sent, so
 * it is used only where it is a text of the library's own.
 */
import { jwtFaults } from '../library/messages.ts';

const texts: ReadonlySet<string> = new Set(Object.values(jwtFaults));

/** By the codes of the JOSE library. */
const ofCode: Readonly<Record<string, string>> = {
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'the signature is wrong',
  ERR_JWKS_NO_MATCHING_KEY: 'no key fits the JWT',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'several keys fit the JWT',
  ERR_JWS_INVALID: 'no signed JWT',
  ERR_JWT_INVALID: 'no JWT',
  ERR_JWE_INVALID: 'no encrypted JWT',
  ERR_JWE_DECRYPTION_FAILED: 'the JWT cannot be decrypted',
  ERR_JOSE_ALG_NOT_ALLOWED: 'the algorithm is not allowed',
  ERR_JOSE_NOT_SUPPORTED: 'the algorithm or key is not supported',
};

const ofName: Readonly<Record<string, string>> = {
  URIError: 'the percent-encoding is broken',
  SyntaxError: 'malformed JSON',
};

/** `undefined` when nothing is known that could not be a value that was sent. */
export function problemOf(cause: Error): string | undefined {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  if (code !== undefined && Object.hasOwn(ofCode, code)) return ofCode[code];
  if (texts.has(cause.message)) return cause.message;
  return code ?? (Object.hasOwn(ofName, cause.name) ? ofName[cause.name] : undefined);
}
