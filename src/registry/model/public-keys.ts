/** What is wrong with a public key (RFC 7517) that a client or an API registers. */

/** Private members (RFC 7518 §6.2.2, §6.3.2, §6.4.1). */
const privateMembers = ['d', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth'];

/** RFC 7518 §3.3, §3.5, §4.2, §4.3. */
const MIN_RSA_BITS = 2048;

/** The problem of a key, for whoever registers it; `undefined` when there is none. Other values are no key. */
export function problemOfPublicKey(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null) return 'is no key';
  if (privateMembers.some((member) => member in key))
    return 'holds a private key; only public ones belong here';
  const { kty, n }: { kty?: unknown; n?: unknown } = key;
  if (kty !== 'RSA') return undefined;
  const bits = typeof n === 'string' ? bitsOf(Buffer.from(n, 'base64url')) : 0;
  return bits < MIN_RSA_BITS ? `is an RSA key of ${bits} bits; it needs at least ${MIN_RSA_BITS}` : undefined;
}

/** Without leading zeros, which would make a short modulus look long. */
function bitsOf(modulus: Buffer): number {
  const first = modulus.findIndex((byte) => byte !== 0);
  if (first < 0) return 0;
  const leading = modulus[first] ?? 0;
  return (modulus.length - first) * 8 - Math.clz32(leading) + 24;
}
