/** What a client would be given for a guest token request, and why not more. Nothing is minted. */
import { parseGrant } from '../guest/grant/grant.ts';
import { isRefused, type Refused } from '../guest/grant/refusal.ts';
import { minterOf } from '../guest/guests.ts';
import { toDetails } from '../guest/record/rar.ts';
import type { Client } from '../registry/model/model.ts';
import { type Explanation, settingOfClient } from './answer.ts';
import type { ExplainDeps } from './deps.ts';

/** `request`: the body of `POST …/guest-tokens`. */
export async function explainMint(
  { guests, guestRealm }: ExplainDeps,
  client: Client,
  request: unknown,
): Promise<Explanation> {
  const about = { client: client.id };
  if (guestRealm === undefined) return refused('realm.disabled', 'the realm is disabled', 'enabled');
  const minter = minterOf(client, undefined);
  const setting = settingOfClient(client.id, 'mints');
  if (minter === undefined) {
    return refused('mints.missing', 'the client has no mints section, is public, or is disabled', setting);
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
      setting,
    })),
    about: {
      ...about,
      granted: JSON.parse(JSON.stringify(toDetails(granted))),
      expiresAt: exp === null ? null : new Date(exp * 1000).toISOString(),
    },
  };

  function refusedBy({ refused: faults }: Refused): Explanation {
    const reasons = faults.map(({ code, pointer, message }) => ({
      rule: code,
      detail: `${pointer} ${message}`.trim(),
      setting,
    }));
    return { verdict: 'refused', reasons, about };
  }

  function refused(rule: string, detail: string, where: string): Explanation {
    return { verdict: 'refused', reasons: [{ rule, detail, setting: where }], about };
  }
}
