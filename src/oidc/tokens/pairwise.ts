import type { Client as LibraryClient } from 'oidc-provider';
import { hmac } from '../../base/hash.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** OIDC Core §8.1: what clients of one sector, and nobody else, call a person. */
export function pairwiseIdentifier(
  realm: Pick<RealmContext, 'keys'>,
  accountId: string,
  client: LibraryClient,
): string {
  return hmac(realm.keys.secret, `pairwise:${String(client['sectorIdentifier'])}:${accountId}`);
}
