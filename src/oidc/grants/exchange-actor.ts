/** Who acts in a token by exchange (RFC 8693 §4.1): the present actor outside, those before it within. */
import type { Actor } from '../../guest/record/guest-record.ts';
import { subjectOf } from '../../tokens/introspection.ts';
import type { TokenRecord } from '../../tokens/record.ts';

/** The `act` of a token; `undefined` when nobody acts for its subject. */
export function heldActor({ extra }: TokenRecord): Actor | undefined {
  const act: unknown = extra?.['act'];
  return isActor(act) ? act : undefined;
}

function isActor(value: unknown): value is Actor {
  return typeof value === 'object' && value !== null && 'sub' in value && typeof value.sub === 'string';
}

/**
 * The exchanging client acts, in front of who acted before. A client that exchanges a token about itself, or exchanges
 * once more, is not named again.
 */
export function actingClient(clientId: string, subject: TokenRecord): Actor | undefined {
  const held = heldActor(subject);
  if (subjectOf(subject) === clientId || held?.sub === clientId) return held;
  return { sub: clientId, client_id: clientId, ...(held === undefined ? {} : { act: held }) };
}
