import type { Client as LibraryClient } from 'oidc-provider';
import { hmac } from '../../base/hash.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** OIDC Core §8.1: the subject that only clients of one sector know a person by. */
export function pairwiseIdentifier(
  realm: Pick<RealmContext, 'keys'>,
  accountId: string,
  client: LibraryClient,
): string {
  return hmac(realm.keys.secret, `pairwise:${String(client['sectorIdentifier'])}:${accountId}`);
}
