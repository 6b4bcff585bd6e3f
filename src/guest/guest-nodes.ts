/**
 * Where a guest token hangs in the revocation tree beside its client and parent: below its tenant, its subject, its
 * resources and its label, so that each can be cut with one write however many tokens there are. Each of these is
 * there twice: for the whole realm, and for what one client minted, because a client cuts only that.
 */
import { LASTING_CUT_TTL, mintedByNode } from '../registry/records.ts';
import type { Key, Write } from '../storage/store.ts';
import { familyOf, type GuestRecord } from './guest-record.ts';

/** Seconds a cut of guests is remembered: a token that never expires must stay dead. */
export const GUEST_CUT_TTL = LASTING_CUT_TTL;

/** The client whose tokens are meant; `undefined` for those of the whole realm. */
type By = string | undefined;

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

type Hanging = Pick<GuestRecord, 'id' | 'family' | 'clientId' | 'granted' | 'inherited'>;

/** Everything above a guest token, each once; its own family comes first, so that its own document shows that cut. */
export function nodesOfGuest(record: Hanging): readonly string[] {
  return [...new Set([...ownNodes(record), ...nodesOfPointer(record)])];
}

/**
 * Where its pointer hangs: not under its own family. A cut of the family may spare one token of it, which is written
 * anew then; its pointer is not, and goes on telling when the token was issued.
 */
export function nodesOfPointer(record: Hanging): readonly string[] {
  const { clientId, granted, inherited } = record;
  const described = [undefined, clientId].flatMap((by) => nodesBy(by, granted));
  const own = ownNodes(record);
  return [...new Set([mintedByNode(clientId), `c:${clientId}`, ...inherited, ...described])].filter(
    (name) => !own.includes(name),
  );
}

function ownNodes(record: Hanging): readonly string[] {
  return [familyNode(record.id), familyNode(familyOf(record))];
}

function nodesBy(by: By, { subject, label, resources }: GuestRecord['granted']): readonly string[] {
  const { tenant, id } = subject;
  return [
    tenantNode(by, tenant),
    ...(id === undefined ? [] : [subjectNode(by, tenant, id)]),
    ...(label === undefined ? [] : [labelNode(by, label)]),
    ...resources.flatMap((resource) => [
      resourceNode(by, resource.type, resource.id),
      tenantResourceNode(by, tenant, resource.type, resource.id),
    ]),
  ];
}

/** Stands for every resource: what was narrowed, or what came of that, dies with those that were taken from it. */
const anyResource = 'gr:';

/** The nodes by which somebody who remembers a guest token hears of its death, or change. */
export function nodesToHear(
  record: Parameters<typeof nodesOfGuest>[0] & Pick<GuestRecord, 'narrowedAt' | 'ancestors'>,
): readonly string[] {
  const nodes = nodesOfGuest(record);
  const mayHangHigher = record.narrowedAt !== undefined || record.ancestors !== undefined;
  return mayHangHigher ? [...nodes, anyResource] : nodes;
}

/** What to tell of nodes that were cut. */
export function nodesToTell(cut: readonly string[]): readonly string[] {
  return cut.some((name) => /^g[rx]:/.test(name)) ? [...cut, anyResource] : cut;
}

/** A token that is revoked never comes back, nor does what was made from it. */
export function endGuest(realm: string, id: string): Write {
  return { close: familyNode(id), realm, ttl: GUEST_CUT_TTL };
}

/** What the store lets one document hang under. */
const MAX_UNDER = 256;

type Put = Extract<Write, { put: Key }>;

/** A document under any number of nodes: those that it has no room for hang on documents beside it. */
export function hang(put: Omit<Put, 'under'>, nodes: readonly string[]): readonly Put[] {
  const [own = [], ...others] = chunksOf(nodes);
  const beside = besideOf(put.put, others.length);
  return [
    { ...put, under: own },
    ...beside.map((key, index): Put => ({ ...put, put: key, value: '1', under: others[index] ?? [] })),
  ];
}

/** How many documents stand beside one that hangs under so many nodes. */
export function countBeside(nodes: readonly string[]): number {
  return Math.max(0, chunksOf(nodes).length - 1);
}

/** The documents beside one: when one of them is cut or gone, so is it. */
export function besideOf({ realm, kind, id }: Key, count: number): readonly Key[] {
  return Array.from({ length: count }, (_, index) => ({ realm, kind: `${kind}-more`, id: `${id}~${index}` }));
}

function chunksOf(nodes: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(nodes.length / MAX_UNDER) }, (_, index) =>
    nodes.slice(index * MAX_UNDER, (index + 1) * MAX_UNDER),
  );
}
