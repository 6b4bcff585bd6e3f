/**
 * What a person allowed each client, for the account page, where it can be withdrawn. For clients with `consent:
 * once` it also decides whether the person is asked again in another session. First-party clients never ask; clients
 * with `always` ask every time. Each session has grants of its own.
 */

import { z } from 'zod';
import type { Client } from '../../registry/model/model.ts';
import { clientNode } from '../../revocation/nodes.ts';
import type { Key, Store, Write } from '../../storage/port/port.ts';

const consentRecord = z.looseObject({
  clientId: z.string(),
  scope: z.string(),
  resources: z.record(z.string(), z.string()).default({}),
  claims: z.array(z.string()).default([]),
  /** Seconds since the epoch. */
  givenAt: z.number(),
});

export type Consent = z.infer<typeof consentRecord>;
export type ConsentMode = 'none' | 'once' | 'always';

/** A consent expires after this time without use. */
const CONSENT_TTL = 31_536_000;

export function consentModeOf(client: Client): ConsentMode {
  return client.consent ?? (client.firstParty === true ? 'none' : 'once');
}

export type Consents = ReturnType<typeof createConsents>;

export function createConsents(store: Store, realm: string) {
  const keyOf = (userId: string, clientId: string): Key => ({
    realm,
    kind: 'consent',
    id: `${userId}:${clientId}`,
  });
  const indexOf = (userId: string): Key => ({ realm, kind: 'consents-of', id: userId });

  async function find(userId: string, clientId: string): Promise<Consent | undefined> {
    const [document] = await store.read([keyOf(userId, clientId)]);
    if (document === undefined || document.cut) return undefined;
    const parsed = consentRecord.safeParse(JSON.parse(document.value));
    return parsed.success ? parsed.data : undefined;
  }

  async function remember(userId: string, consent: Consent): Promise<void> {
    const writes: Write[] = [
      {
        put: keyOf(userId, consent.clientId),
        value: JSON.stringify(consent),
        ttl: CONSENT_TTL,
        under: [clientNode(consent.clientId)],
      },
      { index: indexOf(userId), member: consent.clientId, ttl: CONSENT_TTL },
    ];
    await store.commit(writes);
  }

  async function list(userId: string): Promise<readonly Consent[]> {
    const { members } = await store.list(indexOf(userId), { limit: 200 });
    const found = await Promise.all(members.map((clientId) => find(userId, clientId)));
    return found.filter((consent) => consent !== undefined);
  }

  async function forget(userId: string, clientId: string): Promise<void> {
    await store.commit([{ remove: keyOf(userId, clientId) }, { unindex: indexOf(userId), member: clientId }]);
  }

  return { find, remember, list, forget };
}
