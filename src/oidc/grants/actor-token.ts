import { errors } from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import { sha256 } from '../../base/hash.ts';
import type { Actor } from '../../guest/record/guest-record.ts';
import { tokenKey } from '../../revocation/nodes.ts';
import { subjectOf } from '../../tokens/introspection.ts';
import type { TokenRecord } from '../../tokens/record.ts';
import { isHeldBy, type Possession, usableToken } from '../../tokens/usable.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { tokenTypes } from './token-types.ts';

type Asking = {
  /** The client that exchanges. */
  readonly clientId: string;
  /** Whether this client may use a token that is somebody's. */
  readonly mayUse: (record: TokenRecord) => boolean;
  readonly form: URLSearchParams;
  readonly proven: Possession;
};

/**
 * The actor of an exchange: a live access token of this realm that the exchanging client may use. Nests the `act`
 * of the subject token (RFC 8693 §4.1).
 */
export async function actorOf(
  realm: Pick<RealmContext, 'name' | 'store' | 'clock'>,
  { clientId, mayUse, form, proven }: Asking,
  held: Actor | undefined,
): Promise<Actor> {
  const [value, type] = [form.get('actor_token'), form.get('actor_token_type')];
  // RFC 8693 §2.1: each needs the other.
  if (value === null || type === null)
    throw new errors.InvalidRequest('actor_token and actor_token_type go together');
  if (type !== tokenTypes.accessToken) throw new errors.InvalidRequest('actor_token_type is not supported');
  const [document] = await realm.store.read([tokenKey(realm.name, sha256(value))]);
  const record = usableToken(document, { now: epochSeconds(realm.clock), proven });
  if (record === undefined || !mayUse(record) || !isHeldBy(clientId, record, proven))
    throw new errors.InvalidRequest('actor_token is not active or not yours to use');
  const actor: Actor = { sub: subjectOf(record), client_id: record.clientId };
  return held === undefined ? actor : { ...actor, act: held };
}
