/** Which secrets a client authenticates with: its own, and for a while the one before. */
import { equalInConstantTime } from '../base/hash.ts';
import type { Client } from './model.ts';

type Secrets = Pick<Client, 'secret' | 'previousSecret' | 'previousSecretUntil'>;

/** In a time that does not depend on which of them is right, or there. `now`: milliseconds since the epoch. */
export function isSecretOf(client: Secrets, given: string, now: number): boolean {
  const isCurrent = equalInConstantTime(client.secret ?? '', given);
  const isPrevious = isPreviousSecretOf(client, given, now);
  return (client.secret !== undefined && isCurrent) || isPrevious;
}

/** The same for the one before alone. */
export function isPreviousSecretOf(
  { previousSecret, previousSecretUntil }: Secrets,
  given: string,
  now: number,
): boolean {
  const isRight = equalInConstantTime(previousSecret ?? '', given);
  const isInTime = previousSecretUntil === undefined || now < Date.parse(previousSecretUntil);
  return previousSecret !== undefined && isInTime && isRight;
}
