/**
 * A grant under the realm's row policies as they are now. The record keeps the rows of the grant itself, so a changed
 * policy changes what the token grants: at once at introspection, at the next refresh for a signed value.
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

/** `granted` with its row policies applied, or what is wrong with a policy. */
export function underPolicies(
  realm: GuestRealm,
  granted: Granted,
  readsSecrets?: SecretReader,
): Effective | Refused {
  const resolved = resolvePolicies(granted.policies, {
    defined: realm.policies,
    subject: granted.subject,
    readsSecrets,
  });
  if (isRefused(resolved)) return resolved;
  const limited = limitRows(granted, resolved.policies);
  if (isRefused(limited)) return limited;
  return { granted: limited.granted, policies: resolved.policies };
}

/** The grant of a token before row policies, with the secret parameters of its policies. */
export function ownGrant(realm: GuestRealm, record: GuestRecord): Granted {
  const { granted, ownRows } = record;
  const resources =
    ownRows === undefined
      ? granted.resources
      : granted.resources.map((resource, index) => ({ ...resource, rows: ownRows[index] ?? 'none' }));
  return { ...granted, resources, policies: [...policiesOf(realm, record)] };
}

/** What a token grants now. Refused when one of its policies no longer exists or no longer fits its parameters. */
export function effectiveNow(
  realm: GuestRealm,
  record: GuestRecord,
  readsSecrets?: SecretReader,
): Effective | Refused {
  return underPolicies(realm, ownGrant(realm, record), readsSecrets);
}

/** SHA-256 of the limits of a token: changes when its rows, its columns or the policies in force change. */
export function policyHashOf({ granted, policies }: Effective): string {
  const named = policies.map((policy) => (policy.kind === 'row' ? policy : [policy.kind, policy.name]));
  return sha256(JSON.stringify([granted.resources, named]));
}

/** The members of a record about policies, beside their result. */
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
