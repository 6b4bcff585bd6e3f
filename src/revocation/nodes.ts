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

/** The most nodes that the store lets one document hang under. */
const MAX_UNDER = 256;

type Put = Extract<Write, { put: Key }>;

/** The writes for a document under any number of nodes. Nodes that it has no room for hang on documents beside it. */
export function hang(put: Omit<Put, 'under'>, nodes: readonly string[]): readonly Put[] {
  const [own = [], ...others] = chunksOf(nodes);
  const beside = besideOf(put.put, others.length);
  return [
    { ...put, under: own },
    ...beside.map((key, index): Put => ({ ...put, put: key, value: '1', under: others[index] ?? [] })),
  ];
}

/** How many documents are beside one that hangs under these nodes. */
export function countBeside(nodes: readonly string[]): number {
  return Math.max(0, chunksOf(nodes).length - 1);
}

/** The keys of the documents beside one. When one of them is cut or gone, so is the main document. */
export function besideOf({ realm, kind, id }: Key, count: number): readonly Key[] {
  return Array.from({ length: count }, (_, index) => ({ realm, kind: `${kind}-more`, id: `${id}~${index}` }));
}

function chunksOf(nodes: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(nodes.length / MAX_UNDER) }, (_, index) =>
    nodes.slice(index * MAX_UNDER, (index + 1) * MAX_UNDER),
  );
}
