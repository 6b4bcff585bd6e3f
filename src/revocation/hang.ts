/** A document that hangs under more nodes than the store lets one document hang under. */
import type { Key, Write } from '../storage/port/port.ts';

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
