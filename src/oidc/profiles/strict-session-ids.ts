/**
 * Each client has a name of its own for a session, so that two clients cannot tell that they see the same person. The
 * name is the uid wrapped under a key of the client (RFC 5649, which gives the same result every time). So the
 * session is found by the name, and no record of names is needed.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { SessionIds } from './profile.ts';

const ALGORITHM = 'id-aes256-wrap-pad';
/** RFC 5649 §3. */
const INITIAL_VALUE = Buffer.from('a65959a6', 'hex');

export const strictSessionIds: SessionIds = {
  idOf(uid, clientId, secret) {
    const cipher = createCipheriv(ALGORITHM, keyOf(clientId, secret), INITIAL_VALUE);
    return Buffer.concat([cipher.update(uid, 'utf8'), cipher.final()]).toString('base64url');
  },
  uidOf(sessionId, clientId, secret) {
    try {
      const decipher = createDecipheriv(ALGORITHM, keyOf(clientId, secret), INITIAL_VALUE);
      const uid = decipher.update(Buffer.from(sessionId, 'base64url'));
      return Buffer.concat([uid, decipher.final()]).toString('utf8');
    } catch {
      // Unwrapping reports only that it failed.
      return undefined;
    }
  },
};

function keyOf(clientId: string, secret: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `daypass sid ${clientId}`, 32));
}
