/**
 * What clients call a session (`sid`, OIDC Back-Channel Logout §2.1). In `keycloak` realms it is the session's own
 * uid. In strict ones each client has a name of its own for it, so that two of them cannot tell by it that they see
 * the same person: the uid wrapped under a key of the client (RFC 5649: the same every time, and nothing else opens),
 * so that the session is found again without a record of its names.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import type { RealmContext } from '../realm/realm-context.ts';

type Realm = Pick<RealmContext, 'view' | 'keys'>;

const ALGORITHM = 'id-aes256-wrap-pad';
/** RFC 5649 §3. */
const INITIAL_VALUE = Buffer.from('a65959a6', 'hex');

export function sessionIdFor(realm: Realm, uid: string, clientId: string): string {
  if (realm.view.profile === 'keycloak') return uid;
  const cipher = createCipheriv(ALGORITHM, keyOf(realm, clientId), INITIAL_VALUE);
  return Buffer.concat([cipher.update(uid, 'utf8'), cipher.final()]).toString('base64url');
}

/** The uid behind what a client calls a session; `undefined` for what this client never calls one. */
export function sessionUidOf(realm: Realm, sessionId: string, clientId: string): string | undefined {
  if (realm.view.profile === 'keycloak') return sessionId;
  try {
    const decipher = createDecipheriv(ALGORITHM, keyOf(realm, clientId), INITIAL_VALUE);
    const uid = decipher.update(Buffer.from(sessionId, 'base64url'));
    return Buffer.concat([uid, decipher.final()]).toString('utf8');
  } catch {
    // Unwrapping tells only that it does not open.
    return undefined;
  }
}

function keyOf({ keys }: Realm, clientId: string): Buffer {
  return Buffer.from(hkdfSync('sha256', keys.secret, '', `daypass sid ${clientId}`, 32));
}
