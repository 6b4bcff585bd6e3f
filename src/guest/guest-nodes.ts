/**
 * Where a guest token hangs in the revocation tree beside its client and parent: below its tenant, its subject, its
 * resources and its label, so that each can be cut with one write however many tokens there are.
 */
import type { Write } from '../storage/store.ts';
import type { Granted } from './grant.ts';

/** Seconds a cut of guests is remembered: a token that never expires must stay dead. Ten years. */
export const GUEST_CUT_TTL = 315_360_000;

const path = (...parts: readonly string[]): string => JSON.stringify(parts);

export const familyNode = (id: string): string => `gf:${id}`;
export const mintedByNode = (clientId: string): string => `gc:${clientId}`;
export const tenantNode = (tenant: string): string => `gt:${path(tenant)}`;
export const subjectNode = (tenant: string, id: string): string => `gs:${path(tenant, id)}`;
export const resourceNode = (type: string, id: string): string => `gr:${path(type, id)}`;
export const tenantResourceNode = (tenant: string, type: string, id: string): string =>
  `gx:${path(tenant, type, id)}`;
export const labelNode = (clientId: string, label: string): string => `gl:${path(clientId, label)}`;

/** The node of whatever was made from a token: its guests die with it. */
export const parentNode = (hash: string): string => `t:${hash}`;

export function nodesOfGuest(id: string, clientId: string, granted: Granted): readonly string[] {
  const { tenant, id: subject } = granted.subject;
  return [
    familyNode(id),
    mintedByNode(clientId),
    tenantNode(tenant),
    ...(subject === undefined ? [] : [subjectNode(tenant, subject)]),
    ...(granted.label === undefined ? [] : [labelNode(clientId, granted.label)]),
    ...granted.resources.flatMap(({ type, id: resource }) => [
      resourceNode(type, resource),
      tenantResourceNode(tenant, type, resource),
    ]),
  ];
}

/** A token that is revoked never comes back, nor does what was made from it. */
export function endGuest(realm: string, id: string): Write {
  return { close: familyNode(id), realm, ttl: GUEST_CUT_TTL };
}
