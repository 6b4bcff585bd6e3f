/**
 * Password hashes as text. Ours is Argon2id; the rest is read so that users can be imported with what they have:
 *
 *     $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
 *     $pbkdf2-sha256$i=27500$SALT$HASH             $pbkdf2-sha512$i=210000$SALT$HASH
 *     $pbkdf2-sha256$27500$SALT$HASH               the same without `i=` (modular crypt form)
 *     $2a$10$…  $2b$10$…  $2y$10$…                 bcrypt, which looks at the first 72 bytes only
 *
 * SALT and HASH are base64 with or without padding, so that Keycloak's credentials (`kc.sh export`) can be written in
 * these forms from its two JSON fields as they stand: `credentialData.algorithm` and `.hashIterations` (for `argon2`
 * this is `t`, and `m` and `p` are `additionalParameters.memory` and `.parallelism`), `secretData.salt` and `.value`.
 */
import { argon2, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const deriveArgon2 = promisify(argon2);
const derivePbkdf2 = promisify(pbkdf2);

/** KiB, passes, lanes. */
type Argon2Cost = { readonly memory: number; readonly passes: number; readonly parallelism: number };

export type StoredHash =
  | { readonly kind: 'argon2id'; readonly cost: Argon2Cost; readonly salt: Buffer; readonly tag: Buffer }
  | {
      readonly kind: 'pbkdf2';
      readonly digest: string;
      readonly iterations: number;
      readonly salt: Buffer;
      readonly tag: Buffer;
    }
  | { readonly kind: 'bcrypt'; readonly text: string };

const COST: Argon2Cost = { memory: 19_456, passes: 2, parallelism: 1 };
const SALT_BYTES = 16;
const TAG_BYTES = 32;

const base64 = '([A-Za-z0-9+/]{1,128}={0,2})';
/** In the modular crypt form `.` stands for `+`. */
const cryptBase64 = '([A-Za-z0-9+/.]{1,128}={0,2})';
const argon2Form = new RegExp(
  `^\\$argon2id\\$v=19\\$m=(\\d{1,6}),t=(\\d{1,2}),p=(\\d{1,2})\\$${base64}\\$${base64}$`,
);
const pbkdf2Form = new RegExp(
  `^\\$pbkdf2-(sha256|sha512)\\$(?:i=)?(\\d{1,7})\\$${cryptBase64}\\$${cryptBase64}$`,
);
const bcryptForm = /^\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}$/;

/**
 * `undefined` for text that is no hash of a known form, or a hash whose cost is beyond what a login may take:
 * Argon2id up to 256 MiB, 16 passes and 16 lanes; PBKDF2 from 1,000 to 5,000,000 iterations; bcrypt from 4 to 14.
 */
export function parseHash(stored: string): StoredHash | undefined {
  return parseArgon2(stored) ?? parsePbkdf2(stored) ?? parseBcrypt(stored);
}

/** Argon2id at the present cost under a random salt (RFC 9106), on the thread pool. */
export async function makeHash(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await argon2Tag(password, { cost: COST, salt, tagLength: TAG_BYTES });
  const { memory, passes, parallelism } = COST;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** Compares in constant time, at the cost of the stored hash. */
export async function matchesHash(password: string, hash: StoredHash): Promise<boolean> {
  switch (hash.kind) {
    case 'argon2id': {
      const { cost, salt, tag } = hash;
      return timingSafeEqual(await argon2Tag(password, { cost, salt, tagLength: tag.length }), tag);
    }
    case 'pbkdf2': {
      const { iterations, salt, tag, digest } = hash;
      return timingSafeEqual(await derivePbkdf2(password, salt, iterations, tag.length, digest), tag);
    }
    case 'bcrypt':
      return matchesBcrypt(password, hash.text);
  }
}

/** Whether the hash has the form and cost that `makeHash` gives today. */
export function isPresent(hash: StoredHash): boolean {
  return (
    hash.kind === 'argon2id' &&
    hash.cost.memory === COST.memory &&
    hash.cost.passes === COST.passes &&
    hash.cost.parallelism === COST.parallelism &&
    hash.salt.length === SALT_BYTES &&
    hash.tag.length === TAG_BYTES
  );
}

function parseArgon2(stored: string): StoredHash | undefined {
  const [, m, t, p, saltText = '', tagText = ''] = argon2Form.exec(stored) ?? [];
  const cost = { memory: Number(m), passes: Number(t), parallelism: Number(p) };
  const salt = Buffer.from(saltText, 'base64');
  const tag = Buffer.from(tagText, 'base64');
  // Written so that NaN fails, which text of another form gives. RFC 9106 §3.1: at least 8 KiB per lane.
  const isSane =
    isWithin(cost.parallelism, 1, 16) &&
    isWithin(cost.memory, 8 * cost.parallelism, 262_144) &&
    isWithin(cost.passes, 1, 16) &&
    isWithin(salt.length, 8, 64) &&
    isWithin(tag.length, 16, 64);
  return isSane ? { kind: 'argon2id', cost, salt, tag } : undefined;
}

function parsePbkdf2(stored: string): StoredHash | undefined {
  const [, digest = '', i, saltText = '', tagText = ''] = pbkdf2Form.exec(stored) ?? [];
  const iterations = Number(i);
  const salt = Buffer.from(saltText.replaceAll('.', '+'), 'base64');
  const tag = Buffer.from(tagText.replaceAll('.', '+'), 'base64');
  const isSane =
    isWithin(iterations, 1000, 5_000_000) && isWithin(salt.length, 1, 64) && isWithin(tag.length, 16, 64);
  return isSane ? { kind: 'pbkdf2', digest, iterations, salt, tag } : undefined;
}

/** Runs on the thread pool. Loaded only where users were imported with such hashes. `2y` is PHP's name for `2b`. */
async function matchesBcrypt(password: string, stored: string): Promise<boolean> {
  const { default: bcrypt } = await import('bcrypt');
  return bcrypt.compare(password, stored.replace(/^\$2y/, '$2b'));
}

function parseBcrypt(stored: string): StoredHash | undefined {
  return bcryptForm.test(stored) ? { kind: 'bcrypt', text: stored } : undefined;
}

function argon2Tag(
  message: string,
  { cost, salt, tagLength }: { cost: Argon2Cost; salt: Buffer; tagLength: number },
): Promise<Buffer> {
  return deriveArgon2('argon2id', { message, nonce: salt, tagLength, ...cost });
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
