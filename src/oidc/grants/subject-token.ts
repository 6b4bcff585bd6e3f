/**
 * The subject of a guest token: a user's access or ID token, the client's own access token, a guest token, or a short
 * assertion signed by the client. A token that is dead, replayed or not this client's to exchange is
 * `invalid_request` (RFC 8693 §2.2.2); the answer does not say which.
 */

import { errors } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import type { GuestGrant } from '../../guest/grant/grant.ts';
import type { ParentToken, SubjectUser } from '../../guest/issue/mint-order.ts';
import type { Minter } from '../../guest/limits/guest-realm.ts';
import { type StoredGuest, storedGuest } from '../../guest/record/guest-record.ts';
import { parentNode } from '../../revocation/guest-nodes.ts';
import { type Lineage, nodesOf, tokenKey } from '../../revocation/nodes.ts';
import type { Stamp, Write } from '../../storage/port/port.ts';
import type { TokenRecord } from '../../tokens/record.ts';
import { isHeldBy, type Possession, usableToken } from '../../tokens/usable.ts';
import { guestRealmOf } from '../realm/guest-realm.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { createSessionRecords } from '../records/session-records.ts';
import { verifyAssertion, verifyIdToken } from './subject-jwt.ts';
import { notExchangeable, tokenTypes } from './token-types.ts';

export type Subject = {
  /** The guest, if the token names one; otherwise the request may. */
  readonly guest?: GuestGrant['subject'];
  /** True when the token decides who the guest is: a request that names another guest is refused. */
  readonly isNamed?: boolean;
  readonly parent?: ParentToken;
  readonly readAt?: Stamp;
  /** Nodes that must not have been cut since the token was issued, for tokens without a record in the store. */
  readonly guards?: readonly Write[];
};

/** A token in a request, and what its sender holds. */
type Token = { readonly value: string; readonly type: string; readonly proven: Possession };

export async function subjectOf(realm: RealmContext, minter: Minter, token: Token): Promise<Subject> {
  switch (token.type) {
    case tokenTypes.accessToken:
      return accessTokenSubject(realm, minter, token);
    case tokenTypes.idToken:
      return idTokenSubject(realm, minter, token.value);
    case tokenTypes.jwt: {
      const { tenant, id } = await verifyAssertion(realm, minter, token.value);
      const guest = { tenant, id, type: 'end_user' as const, provision: 'none' as const };
      return { guest, isNamed: true, parent: { nodes: [] } };
    }
    default:
      throw new errors.InvalidRequest('subject_token_type is not supported');
  }
}

/** A client may exchange its own tokens, and those of users at the clients that its ceiling names. */
export function mayExchange(minter: Minter, issuedTo: string): boolean {
  return issuedTo === minter.clientId || minter.ceiling.subjectsFrom.includes(issuedTo);
}

async function accessTokenSubject(
  realm: RealmContext,
  minter: Minter,
  { value, proven }: Token,
): Promise<Subject> {
  const hash = sha256(value);
  const [document] = await realm.store.read([tokenKey(realm.name, hash)]);
  if (document === undefined) throw notExchangeable();
  const guest = storedGuest(document, hash);
  if (guest !== undefined && !isHeldBy(minter.clientId, guest.record, proven)) throw notExchangeable();
  if (guest !== undefined) return guestSubject(realm, minter, guest);
  const record = usableToken(document, { now: epochSeconds(realm.clock), proven });
  if (
    record === undefined ||
    !mayExchange(minter, record.clientId) ||
    !isHeldBy(minter.clientId, record, proven)
  )
    throw notExchangeable();
  const nodes = [parentNode(hash), ...nodesOf(record), ...(record.under ?? [])];
  if (record.accountId === undefined) return ownTokenSubject(minter, record, nodes, document.now);
  return userSubject(realm, record.accountId, nodes, document.now);
}

/** A client's own token names no guest, and only the client itself may use it. */
function ownTokenSubject(
  minter: Minter,
  record: TokenRecord,
  nodes: readonly string[],
  readAt: Stamp,
): Subject {
  if (record.clientId !== minter.clientId || record.subject !== undefined) throw notExchangeable();
  return { parent: { nodes }, readAt };
}

async function userSubject(
  realm: Pick<RealmContext, 'name' | 'view' | 'registry'>,
  userId: string,
  nodes: readonly string[],
  readAt?: Stamp,
): Promise<Subject> {
  const user = await subjectUser(realm, userId);
  if (user === undefined) throw notExchangeable();
  return {
    guest: { tenant: realm.name, id: user.id, type: 'org_user', provision: 'none' },
    parent: { nodes, user },
    ...(readAt === undefined ? {} : { readAt }),
  };
}

/** A user as the subject of a guest token, with the user's permissions of this moment. */
export async function subjectUser(
  realm: Pick<RealmContext, 'name' | 'view' | 'registry'>,
  userId: string,
): Promise<SubjectUser | undefined> {
  const user = await realm.registry.findUser(realm.name, userId);
  if (user?.enabled !== true) return undefined;
  return { id: user.id, roles: user.roles, permissions: realm.view.permissionsOfRoles(user.roles) };
}

/** Attenuation: the child hangs below its parent, and its uses count in the parent's budgets. */
async function guestSubject(realm: RealmContext, minter: Minter, guest: StoredGuest): Promise<Subject> {
  const { record, document, hash } = guest;
  if (!mayExchange(minter, record.clientId)) throw notExchangeable();
  const judged = await realm.guests.judgeForExchange(guestRealmOf(realm), guest);
  if (typeof judged === 'string') throw notExchangeable();
  const user = record.userId === undefined ? undefined : await subjectUser(realm, record.userId);
  if (record.userId !== undefined && user === undefined) throw notExchangeable();
  return {
    parent: {
      nodes: [parentNode(hash)],
      guest: { record, usesLeft: judged.usesLeft },
      ...(user === undefined ? {} : { user }),
    },
    readAt: document.now,
  };
}

async function idTokenSubject(realm: RealmContext, minter: Minter, value: string): Promise<Subject> {
  const { subject, clientId, sessionId, issuedAt } = await verifyIdToken(realm, value);
  if (!mayExchange(minter, clientId)) throw notExchangeable();
  const nodes = nodesOf({ clientId, accountId: subject, ...(await sessionOf(realm, clientId, sessionId)) });
  const since = issuedAt * 1_000_000;
  const guards = nodes.map((guard): Write => ({ guard, realm: realm.name, since }));
  // Guards hold until the guest token is written. They are checked first, so that a dead token is refused for that
  // reason alone.
  if (!(await realm.store.commit(guards)).ok) throw notExchangeable();
  return { ...(await userSubject(realm, subject, nodes)), guards };
}

/** The session and the grant of an ID token. An ID token of a login without a session names none. */
async function sessionOf(
  realm: Pick<RealmContext, 'name' | 'profile' | 'keys' | 'store'>,
  clientId: string,
  sessionId: string | undefined,
): Promise<Pick<Lineage, 'sessionUid' | 'grantId'>> {
  if (sessionId === undefined) return {};
  const sessionUid = realm.profile.sessionIds.uidOf(sessionId, clientId, realm.keys.secret);
  if (sessionUid === undefined) throw notExchangeable();
  // The record of an ended session is gone; its revocation node tells whether it was ended.
  const session = await createSessionRecords(realm.store, realm.name).read(sessionUid);
  return { sessionUid, grantId: session?.authorizations?.[clientId]?.grantId };
}
