/** What a client would be given for a guest token request, and why not more. Nothing is minted. */
import { parseGrant } from '../guest/grant/grant.ts';
import { isRefused, type Refused } from '../guest/grant/refusal.ts';
import { minterOf } from '../guest/guests.ts';
import { toDetails } from '../guest/record/rar.ts';
import type { Client } from '../registry/model/model.ts';
import { type Decided, type Draft, ofClient, ofRealm } from './answer.ts';
import type { ExplainDeps } from './deps.ts';

/** `request`: the body of `POST …/guest-tokens`. */
export async function explainMint(
  { guests, guestRealm }: ExplainDeps,
  client: Client,
  request: unknown,
): Promise<Draft> {
  const about = { client: client.id };
  if (guestRealm === undefined) return refused('realm.disabled', 'the realm is disabled', ofRealm('enabled'));
  const minter = minterOf(client, undefined);
  const ceiling = ofClient(client.id, 'mints');
  if (minter === undefined) {
    return refused('mints.missing', 'the client has no mints section, is public, or is disabled', ceiling);
  }
  const parsed = parseGrant(request, guestRealm.policy);
  if (isRefused(parsed)) return refusedBy(parsed);
  const asked = { ...parsed.grant, dry_run: true };
  const outcome = await guests.mint({
    realm: guestRealm,
    minter,
    asked,
    audiences: parsed.audiences,
    source: { by: client.id },
    isTrial: true,
  });
  if (isRefused(outcome)) return refusedBy(outcome);
  const { granted, narrowed, exp } = outcome.record;
  return {
    verdict: narrowed.length === 0 ? 'allowed' : 'narrowed',
    reasons: narrowed.map((part) => ({
      rule: 'guest.narrowed',
      detail: `less than asked for: ${JSON.stringify(part)}`,
      ...ceiling,
    })),
    about: {
      ...about,
      granted: JSON.parse(JSON.stringify(toDetails(granted))),
      expiresAt: exp === null ? null : new Date(exp * 1000).toISOString(),
    },
  };

  function refusedBy({ refused: faults }: Refused): Draft {
    const reasons = faults.map(({ code, pointer, message }) => ({
      rule: code,
      detail: `${pointer} ${message}`.trim(),
      ...ceiling,
    }));
    return { verdict: 'refused', reasons, about };
  }

  function refused(rule: string, detail: string, where: Decided): Draft {
    return { verdict: 'refused', reasons: [{ rule, detail, ...where }], about };
  }
}
