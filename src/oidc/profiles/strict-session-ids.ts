/**
 * Each client has a name of its own for a session, so that two of them cannot tell by it that they see the same
 * person: the uid wrapped under a key of the client (RFC 5649: the same every time, and nothing else opens), so that
 * the session is found again without a record of its names.
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
      // Unwrapping tells only that it does not open.
      return undefined;
    }
  },
};

function keyOf(clientId: string, secret: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `daypass sid ${clientId}`, 32));
}
