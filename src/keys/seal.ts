/**
 * Secrets at rest: private keys and client secrets as the store holds them, under the server's master key.
 * Knows nothing of what is sealed or where it is kept.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

const VERSION = 's1.';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export type Sealer = {
  /** AES-256-GCM under a random nonce; two seals of one value differ. `s1.` and base64url of nonce, ciphertext, tag. */
  seal(plain: string, context: string): string;
  /**
   * The value that was sealed under exactly this context. Throws when it was changed, moved from elsewhere, or sealed
   * with another key.
   */
  open(sealed: string, context: string): string;
  /**
   * HMAC-SHA-256 of a value, by which it is recognised without being kept. Without the master key it says nothing of the
   * value.
   */
  digest(plain: string, context: string): string;
};

/**
 * `context` says where the sealed value lives (`realm/kind/id`): it is authenticated, so that whoever can write to
 * the store cannot pass one record's secret off as another's. The master key itself encrypts nothing: HKDF
 * (RFC 5869) gives this purpose a key of its own. Random nonces are safe for 2^32 seals (NIST SP 800-38D §8.3).
 */
export function createSealer(masterKey: Buffer): Sealer {
  if (masterKey.length !== 32) {
    throw new RangeError('the master key must be 32 bytes');
  }
  const key = Buffer.from(hkdfSync('sha256', masterKey, '', 'daypass seal s1', 32));

  const digestKey = Buffer.from(hkdfSync('sha256', masterKey, '', 'daypass digest d1', 32));

  function seal(plain: string, context: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(context));
    const body = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return VERSION + body.toString('base64url');
  }

  function open(sealed: string, context: string): string {
    const body = bytesOf(sealed);
    const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    try {
      const plain = decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([plain, decipher.final()]).toString('utf8');
    } catch (cause) {
      // GCM reports only a wrong tag, which covers every case alike.
      throw new Error('a sealed value does not open: wrong master key, or it was changed or moved', {
        cause,
      });
    }
  }

  function digest(plain: string, context: string): string {
    // The length keeps context and value apart.
    return createHmac('sha256', digestKey).update(`${context.length}:${context}${plain}`).digest('base64url');
  }

  return { seal, open, digest };
}

function bytesOf(sealed: string): Buffer {
  const text = sealed.slice(VERSION.length);
  const body = Buffer.from(text, 'base64url');
  // Node's decoder skips what it does not know; only the canonical text of these bytes counts.
  const canonical = sealed.startsWith(VERSION) && body.toString('base64url') === text;
  if (!canonical || body.length < NONCE_BYTES + TAG_BYTES) {
    throw new Error('not a sealed value of a known version');
  }
  return body;
}
