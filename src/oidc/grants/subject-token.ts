/**
 * Who a guest is made from (guest-tokens 8.1): a user's access or ID token, the client's own access token, a guest
 * token, or a short assertion signed by the client. Whatever is dead, replayed or not this client's to exchange is
 * `invalid_request` (RFC 8693 §2.2.2), without telling which.
 */
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import type { GuestGrant } from '../../guest/grant.ts';
import { parentNode } from '../../guest/guest-nodes.ts';
import type { Minter } from '../../guest/guest-realm.ts';
import { storedGuest } from '../../guest/guests.ts';
import { usesOf } from '../../guest/lifetime.ts';
import type { ParentToken } from '../../guest/mint.ts';
import { clientNode, userNode } from '../../registry/records.ts';
import type { Stamp } from '../../storage/store.ts';
import { isLive } from '../../tokens/introspection.ts';
import { nodesOf, tokenKey } from '../../tokens/nodes.ts';
import { decodeToken, type TokenRecord } from '../../tokens/record.ts';
import type { RealmContext } from '../realm-context.ts';
import { verifyAssertion, verifyIdToken } from './subject-jwt.ts';
import { notExchangeable, tokenTypes } from './token-types.ts';

export type Subject = {
  /** Who looks, if the token says so; the request may. */
  readonly guest?: GuestGrant['subject'];
  readonly parent?: ParentToken;
  readonly readAt?: Stamp;
};

type Token = { readonly value: string; readonly type: string };

export async function subjectOf(
  realm: RealmContext,
  ctx: KoaContextWithOIDC,
  minter: Minter,
  token: Token,
): Promise<Subject> {
  switch (token.type) {
    case tokenTypes.accessToken:
      return accessTokenSubject(realm, minter, token.value);
    case tokenTypes.idToken:
      return idTokenSubject(realm, minter, token.value);
    case tokenTypes.jwt: {
      const { tenant, id } = await verifyAssertion(realm, ctx, minter, token.value);
      return { guest: { tenant, id, type: 'end_user', provision: 'none' }, parent: { nodes: [] } };
    }
    default:
      throw new errors.InvalidRequest('subject_token_type is not supported');
  }
}

/** Its own tokens, and those of users at the clients it names. */
export function mayExchange(minter: Minter, issuedTo: string): boolean {
  return issuedTo === minter.clientId || minter.ceiling.subjectsFrom.includes(issuedTo);
}

async function accessTokenSubject(realm: RealmContext, minter: Minter, value: string): Promise<Subject> {
  const hash = sha256(value);
  const [document] = await realm.store.read([tokenKey(realm.name, hash)]);
  if (document === undefined) throw notExchangeable();
  const guest = storedGuest(document, hash);
  if (guest !== undefined) return guestSubject(realm, minter, guest);
  const record = decodeToken(document.value);
  const isUsable =
    record !== undefined &&
    record.kind !== 'RefreshToken' &&
    mayExchange(minter, record.clientId) &&
    isLive(document, record, epochSeconds(realm.clock));
  if (!isUsable) throw notExchangeable();
  const nodes = [parentNode(hash), ...nodesOf(record)];
  if (record.accountId === undefined) return ownTokenSubject(minter, record, nodes, document.now);
  return userSubject(realm, record.accountId, nodes, document.now);
}

/** A client's own token says nothing of the guest, and only the client itself may use it. */
function ownTokenSubject(
  minter: Minter,
  record: TokenRecord,
  nodes: readonly string[],
  readAt: Stamp,
): Subject {
  if (record.clientId !== minter.clientId) throw notExchangeable();
  return { parent: { nodes }, readAt };
}

async function userSubject(
  realm: RealmContext,
  userId: string,
  nodes: readonly string[],
  readAt?: Stamp,
): Promise<Subject> {
  const user = await realm.registry.findUser(realm.name, userId);
  if (user?.enabled !== true) throw notExchangeable();
  const rights = realm.view.permissionsOfRoles(user.roles);
  const permissions = new Set([...rights].map((permission) => permission.slice(permission.indexOf(':') + 1)));
  return {
    guest: { tenant: realm.name, id: user.id, type: 'org_user', provision: 'none' },
    parent: { nodes, permissions },
    ...(readAt === undefined ? {} : { readAt }),
  };
}

type Stored = NonNullable<ReturnType<typeof storedGuest>>;

/** Attenuation: the child hangs below its parent, and exchanging is one use of it. */
async function guestSubject(realm: RealmContext, minter: Minter, guest: Stored): Promise<Subject> {
  const { record, document, hash } = guest;
  if (!mayExchange(minter, record.clientId)) throw notExchangeable();
  if ((await realm.guests.useForExchange(realm.name, guest)) !== undefined) throw notExchangeable();
  const most = usesOf(record.granted.lifetime);
  return {
    parent: {
      nodes: [parentNode(hash), `gf:${record.id}`, ...record.inherited],
      guest: { record, usesLeft: most },
    },
    readAt: document.now,
  };
}

async function idTokenSubject(realm: RealmContext, minter: Minter, value: string): Promise<Subject> {
  const { subject, clientId } = await verifyIdToken(realm, value);
  if (!mayExchange(minter, clientId)) throw notExchangeable();
  return userSubject(realm, subject, [clientNode(clientId), userNode(subject)]);
}
