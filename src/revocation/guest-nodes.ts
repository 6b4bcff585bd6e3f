/**
 * Names of the revocation nodes of guest tokens, beside their client and parent: tenant, subject, resources and
 * label. Each exists twice: for the whole realm, and for what one client minted, because a client may cut only that.
 */
import type { Write } from '../storage/port/port.ts';
import { LASTING_CUT_TTL } from './life.ts';

/** Seconds that a cut of guest tokens is remembered: a token that never expires must stay dead. */
export const GUEST_CUT_TTL = LASTING_CUT_TTL;

/** The client whose tokens are meant; `undefined` for the tokens of the whole realm. */
export type By = string | undefined;

const node = (kind: string, by: By, ...parts: readonly string[]): string =>
  `${kind}:${JSON.stringify([by ?? null, ...parts])}`;

export const familyNode = (id: string): string => `gf:${id}`;
export const tenantNode = (by: By, tenant: string): string => node('gt', by, tenant);
export const subjectNode = (by: By, tenant: string, id: string): string => node('gs', by, tenant, id);
export const resourceNode = (by: By, type: string, id: string): string => node('gr', by, type, id);
export const tenantResourceNode = (by: By, tenant: string, type: string, id: string): string =>
  node('gx', by, tenant, type, id);
export const labelNode = (by: By, label: string): string => node('gl', by, label);

/** The node for everything that is made from a token: guest tokens die with the token. */
export const parentNode = (hash: string): string => `t:${hash}`;

/**
 * Stands for every resource. A narrowed token, and what was made from it, must also hear of cuts of resources that it
 * no longer has.
 */
export const anyResource = 'gr:';

/** The names to publish for nodes that were cut. */
export function nodesToPublish(cut: readonly string[]): readonly string[] {
  return cut.some((name) => /^g[rx]:/.test(name)) ? [...cut, anyResource] : cut;
}

/** A revoked token never comes back, nor does what was made from it. `ttl`: seconds that any of these can still live. */
export function endGuest(realm: string, id: string, ttl: number): Write {
  return { close: familyNode(id), realm, ttl };
}
