/** The state of a node: its cut, and whether it is closed. */
import { milliseconds } from '../port/checks.ts';
import type { Write } from '../port/port.ts';
import { type Database, integer, never } from './database.ts';

type Step<Name extends string> = Extract<Write, Record<Name, string>>;

type Node = {
  /** What was written before this stamp is dead. */
  readonly before: number;
  /** When the cut was made. */
  readonly made: number;
  /** The end of the cut in milliseconds since the epoch; 0 without a cut. */
  readonly cutUntil: number;
  /** The end of the closure, likewise. */
  readonly closedUntil: number;
};

/** The moment of a commit: its stamp, and the clock from which lives are counted. */
export type Moment = { readonly stamp: number; readonly nowMs: number };

const untouched: Node = { before: 0, made: 0, cutUntil: 0, closedUntil: 0 };

export function createNodes(database: Database) {
  const select = database.prepare('SELECT before, made, cut_until, closed_until FROM node WHERE key = ?');
  const upsert = database.prepare('INSERT OR REPLACE INTO node VALUES (?, ?, ?, ?, ?, ?)');

  function find(realm: string, name: string, nowMs: number): Node {
    const row = select.get(`${realm}:${name}`);
    if (row === undefined) return untouched;
    const cutUntil = integer(row, 'cut_until');
    const closedUntil = integer(row, 'closed_until');
    const isCut = cutUntil > nowMs;
    return {
      before: isCut ? integer(row, 'before') : 0,
      made: isCut ? integer(row, 'made') : 0,
      cutUntil: isCut ? cutUntil : 0,
      closedUntil: closedUntil > nowMs ? closedUntil : 0,
    };
  }

  function put(realm: string, name: string, node: Node): void {
    const { before, made, cutUntil, closedUntil } = node;
    upsert.run(`${realm}:${name}`, before, made, cutUntil, closedUntil, Math.max(cutUntil, closedUntil));
  }

  /** The realm is above every node, named or not. */
  function above(realm: string, under: readonly string[], nowMs: number): readonly Node[] {
    return ['', ...under].map((name) => find(realm, name, nowMs));
  }

  return {
    /** Whether a document of this stamp is dead now. */
    isCut: (realm: string, under: readonly string[], document: { stamp: number; nowMs: number }): boolean =>
      above(realm, under, document.nowMs).some(
        (node) => node.closedUntil > 0 || document.stamp < node.before,
      ),

    /** The reason why nothing may be written under these nodes, if there is one. */
    refusal(realm: string, under: readonly string[], limits: { nowMs: number; since: number | undefined }) {
      const nodes = above(realm, under, limits.nowMs);
      const { since = Number.POSITIVE_INFINITY } = limits;
      if (nodes.some((node) => node.closedUntil > 0)) return 'closed';
      return nodes.some((node) => node.made >= since) ? 'cut' : undefined;
    },

    /** The same for one node alone, without the nodes above it. */
    guardRefusal({ realm, guard, since }: Step<'guard'>, nowMs: number) {
      const node = find(realm, guard, nowMs);
      if (node.closedUntil > 0) return 'closed';
      return node.made >= since ? 'cut' : undefined;
    },

    cut({ realm, cut: name, ttl, before }: Step<'cut'>, at: Moment): void {
      put(realm, name, cutNode(find(realm, name, at.nowMs), at, { ttl, before }));
    },

    close({ realm, close: name, ttl }: Step<'close'>, at: Moment): void {
      const node = find(realm, name, at.nowMs);
      const until = ttl === undefined ? never : at.nowMs + milliseconds(ttl);
      put(realm, name, { ...node, closedUntil: Math.max(node.closedUntil, until) });
    },

    open({ realm, open: name, ttl }: Step<'open'>, at: Moment): void {
      const node = find(realm, name, at.nowMs);
      if (node.closedUntil > 0) put(realm, name, { ...cutNode(node, at, { ttl }), closedUntil: 0 });
    },
  };
}

function cutNode(node: Node, at: Moment, cut: { ttl: number; before?: number | undefined }): Node {
  const before = Math.min(cut.before ?? at.stamp, at.stamp);
  const cutUntil = Math.max(node.cutUntil, at.nowMs + milliseconds(cut.ttl));
  // A cut that is older than the present one kills nothing more; it only prolongs how long the present one is
  // remembered.
  return before > node.before ? { ...node, before, made: at.stamp, cutUntil } : { ...node, cutUntil };
}
