import { errors } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import type { Minter } from '../../guest/limits/guest-realm.ts';
import type { Actor } from '../../guest/record/guest-record.ts';
import { tokenKey } from '../../revocation/nodes.ts';
import { isHeldBy, type Possession, usableToken } from '../../tokens/usable.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { mayExchange } from './subject-token.ts';
import { tokenTypes } from './token-types.ts';

type Asking = { readonly minter: Minter; readonly form: URLSearchParams; readonly proven: Possession };

/**
 * The actor of an exchange: a live access token of this realm that the minting client may exchange. Nests the `act`
 * of the subject token (RFC 8693 §4.1).
 */
export async function actorOf(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock'>,
  { minter, form, proven }: Asking,
  held: Actor | undefined,
): Promise<Actor> {
  const [value, type] = [form.get('actor_token'), form.get('actor_token_type')];
  // RFC 8693 §2.1: each needs the other.
  if (value === null || type === null)
    throw new errors.InvalidRequest('actor_token and actor_token_type go together');
  if (type !== tokenTypes.accessToken) throw new errors.InvalidRequest('actor_token_type is not supported');
  const [document] = await realm.store.read([tokenKey(realm.name, sha256(value))]);
  const record = usableToken(document, { now: epochSeconds(realm.clock), proven });
  if (
    record === undefined ||
    !mayExchange(minter, record.clientId) ||
    !isHeldBy(minter.clientId, record, proven)
  )
    throw new errors.InvalidRequest('actor_token is not active or not yours to use');
  const actor: Actor = { sub: record.accountId ?? record.clientId, client_id: record.clientId };
  return held === undefined ? actor : { ...actor, act: held };
}
