/** A token by its value: what it is, whether it counts now, and its end. */
import { epochSeconds } from '../../../base/clock.ts';
import { presentFound } from '../../../guest/json/present.ts';
import type { FoundGuest } from '../../../guest/lookup/lookup.ts';
import { refreshHashOf } from '../../../oidc/profiles/refresh-shape.ts';
import type { RealmContext } from '../../../oidc/realm/realm-context.ts';
import { oidcScopeSet } from '../../../oidc/tokens/claims.ts';
import { tokenKey } from '../../../revocation/nodes.ts';
import type { Document } from '../../../storage/port/port.ts';
import { withCurrentRights } from '../../../tokens/current-rights.ts';
import { describeToken } from '../../../tokens/introspection.ts';
import { decodeToken, type TokenRecord } from '../../../tokens/record.ts';
import { isLive } from '../../../tokens/usable.ts';

export type FoundToken =
  | { readonly guest: FoundGuest }
  | { readonly hash: string; readonly record: TokenRecord; readonly document: Document };

/** `undefined` for a value that the realm keeps no record of. */
export async function findToken(realm: RealmContext, value: string): Promise<FoundToken | undefined> {
  const guest = await realm.guests.findByValue(realm.name, value);
  if (guest !== undefined) return { guest };
  const hash = refreshHashOf(value, realm.keys.secret);
  const [document] = await realm.store.read([tokenKey(realm.name, hash)]);
  const record = document && decodeToken(document.value);
  return document && record && { hash, record, document };
}

/**
 * Whether a token counts now, and what introspection (RFC 7662 §2.2) says of it to an API that it is for. Of a guest
 * token it is what `GET /guest-tokens/{id}` shows, and no use is counted.
 */
export async function introspected(
  realm: RealmContext,
  value: string,
): Promise<object & { readonly active: boolean }> {
  const found = await findToken(realm, value);
  if (found === undefined) return { active: false };
  if ('guest' in found) {
    const isActive = found.guest.state === 'active';
    return isActive ? { active: true, ...presentFound(found.guest, realm.issuer) } : { active: false };
  }
  const { record, document } = found;
  if (!isLive(document, record, epochSeconds(realm.clock))) return { active: false };
  return describeToken(withCurrentRights(record, realm.view, oidcScopeSet), realm);
}
