/**
 * The revocation tree: realm → client | user → session → grant → tokens. These are the names of the nodes that tokens
 * hang under. To cut a node makes everything issued below it inactive at the next look-up, on every process.
 */
import type { Key, Write } from '../storage/port/port.ts';
import { CUT_TTL } from './life.ts';

export const realmNode = '';
export const clientNode = (id: string): string => `c:${id}`;
/** The node of the guest tokens that a client minted. */
export const mintedByNode = (clientId: string): string => `gc:${clientId}`;
/** Cut whenever a client may mint less. A mint that relies on the ceiling before the cut is refused. */
export const ceilingNode = (clientId: string): string => `gm:${clientId}`;
export const userNode = (id: string): string => `u:${id}`;
export const sessionNode = (uid: string): string => `s:${uid}`;
export const grantNode = (grantId: string): string => `g:${grantId}`;

/** What a token, code, grant or session was issued by, and for whom. */
export type Lineage = {
  readonly clientId?: string | undefined;
  readonly accountId?: string | undefined;
  /** Absent for offline access, which outlives the session (OIDC Core §11). */
  readonly sessionUid?: string | undefined;
  readonly grantId?: string | undefined;
};

export function nodesOf(lineage: Lineage): readonly string[] {
  const nodes: string[] = [];
  if (lineage.clientId !== undefined) nodes.push(clientNode(lineage.clientId));
  if (lineage.accountId !== undefined) nodes.push(userNode(lineage.accountId));
  if (lineage.sessionUid !== undefined) nodes.push(sessionNode(lineage.sessionUid));
  if (lineage.grantId !== undefined) nodes.push(grantNode(lineage.grantId));
  return nodes;
}

/** An ended session or grant never comes back: what is still being written below it is dead too. */
export function endSession(realm: string, uid: string): Write {
  return { close: sessionNode(uid), realm, ttl: CUT_TTL };
}

export function endGrant(realm: string, grantId: string): Write {
  return { close: grantNode(grantId), realm, ttl: CUT_TTL };
}

/** The key of a token's record. Access, refresh and guest tokens of every format share one kind. */
export function tokenKey(realm: string, hash: string): Key {
  return { realm, kind: 't', id: hash };
}

/** From the prefix of a node's name to the kind of thing that the node stands for. */
const kinds: Readonly<Record<string, string>> = {
  '': 'realm',
  c: 'client',
  u: 'user',
  s: 'session',
  g: 'grant',
  t: 'token',
  gc: 'guests of a client',
  gm: 'guest ceiling',
  gf: 'guest',
  gt: 'tenant',
  gs: 'subject',
  gr: 'resource',
  gx: 'resource of a tenant',
  gl: 'label',
};

/** The kind of a revocation node, for logs and metrics: a closed set. */
export function kindOf(node: string): string {
  return kinds[node.slice(0, Math.max(0, node.indexOf(':')))] ?? 'other';
}
