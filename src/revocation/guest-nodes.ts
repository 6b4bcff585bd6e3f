/**
 * Names of the nodes that guest tokens hang under beside their client and parent: their tenant, subject, resources and
 * label. Each name exists twice: for the whole realm, and for what one client minted, because a client cuts only that.
 */
import type { Write } from '../storage/port/port.ts';
import { LASTING_CUT_TTL } from './life.ts';

/** Seconds a cut of guests is remembered: a token that never expires must stay dead. */
export const GUEST_CUT_TTL = LASTING_CUT_TTL;

/** The client whose tokens are meant; `undefined` for those of the whole realm. */
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

/** The node of whatever was made from a token: its guests die with it. */
export const parentNode = (hash: string): string => `t:${hash}`;

/** Stands for every resource: what was narrowed, or what came of that, dies with those that were taken from it. */
export const anyResource = 'gr:';

/** What to tell of nodes that were cut. */
export function nodesToPublish(cut: readonly string[]): readonly string[] {
  return cut.some((name) => /^g[rx]:/.test(name)) ? [...cut, anyResource] : cut;
}

/** A token that is revoked never comes back, nor does what was made from it. */
export function endGuest(realm: string, id: string): Write {
  return { close: familyNode(id), realm, ttl: GUEST_CUT_TTL };
}
