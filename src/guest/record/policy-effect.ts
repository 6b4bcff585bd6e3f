/**
 * A grant under the row policies of the realm as they are now. The record keeps the rows of the grant itself, so that
 * a policy that changes changes what the token shows: at once where the server is asked about it, at the next refresh
 * for what a signed token says.
 */
import { sha256 } from '../../base/hash.ts';
import type { Granted, PolicyUse } from '../grant/grant.ts';
import { isRefused, type Refused } from '../grant/refusal.ts';
import type { GuestRealm } from '../limits/guest-realm.ts';
import {
  isSecret,
  limitRows,
  type ResolvedPolicy,
  resolvePolicies,
  type SecretReader,
} from '../limits/policies.ts';
import type { GuestRecord } from './guest-record.ts';
import { sealerOf } from './sealing.ts';

export type Effective = { readonly granted: Granted; readonly policies: readonly ResolvedPolicy[] };

/** `granted` with the rows that its policies leave, or what is wrong with a policy. */
export function underPolicies(
  realm: GuestRealm,
  granted: Granted,
  readsSecrets?: SecretReader,
): Effective | Refused {
  const resolved = resolvePolicies(granted.policies, realm.policies, readsSecrets);
  if (isRefused(resolved)) return resolved;
  const limited = limitRows(granted, resolved.policies);
  if (isRefused(limited)) return limited;
  return { granted: limited.granted, policies: resolved.policies };
}

/** The grant of a token before its row policies, the secret parameters of its policies included. */
export function ownGrant(realm: GuestRealm, record: GuestRecord): Granted {
  const { granted, ownRows } = record;
  const resources =
    ownRows === undefined
      ? granted.resources
      : granted.resources.map((resource, index) => ({ ...resource, rows: ownRows[index] ?? 'none' }));
  return { ...granted, resources, policies: [...policiesOf(realm, record)] };
}

/** What a token comes to now; refused when a policy of it is gone, or does not fit its parameters any more. */
export function effectiveNow(
  realm: GuestRealm,
  record: GuestRecord,
  readsSecrets?: SecretReader,
): Effective | Refused {
  return underPolicies(realm, ownGrant(realm, record), readsSecrets);
}

/** SHA-256 of what a token shows: another one when its rows, columns or the policies in force are others. */
export function policyHashOf({ granted, policies }: Effective): string {
  const named = policies.map((policy) => (policy.kind === 'row' ? policy : [policy.kind, policy.name]));
  return sha256(JSON.stringify([granted.resources, named]));
}

/** What a record keeps of policies beside their result. */
export function policyMembers(
  realm: GuestRealm,
  id: string,
  { own, policies }: { readonly own: Granted; readonly policies: readonly ResolvedPolicy[] },
): Pick<GuestRecord, 'ownRows' | 'sealedPolicies'> {
  const hasRows = policies.some(({ kind }) => kind === 'row');
  const hasSecrets = own.policies.some(({ params }) => Object.keys(params).some(isSecret));
  return {
    ...(hasRows ? { ownRows: own.resources.map(({ rows }) => rows) } : {}),
    ...(hasSecrets
      ? { sealedPolicies: sealerOf(realm).seal(JSON.stringify(own.policies), contextOf(id)) }
      : {}),
  };
}

function policiesOf(realm: GuestRealm, { id, granted, sealedPolicies }: GuestRecord): readonly PolicyUse[] {
  if (sealedPolicies === undefined) return granted.policies;
  const opened: PolicyUse[] = JSON.parse(sealerOf(realm).open(sealedPolicies, contextOf(id)));
  return opened;
}

function contextOf(id: string): string {
  return `guest-policies/${id}`;
}
