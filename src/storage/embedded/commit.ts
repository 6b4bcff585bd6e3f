/**
 * The steps of a commit. All conditions (`onlyIf`, `keep` and `since` included) are judged on the state before
 * the commit; only when all hold are the steps carried out, in their order.
 */
import { milliseconds } from '../port/checks.ts';
import type { Committed, Key, Refusal, Write } from '../port/port.ts';
import type { createCounters } from './counters.ts';
import { never } from './database.ts';
import type { Documents } from './documents.ts';
import type { createMembers } from './members.ts';
import type { Messages } from './messages.ts';
import type { createNodes, Moment } from './nodes.ts';

type Put = Extract<Write, { put: Key }>;
type Spend = Extract<Write, { spend: Key }>;
type Count = Extract<Write, { count: Key }>;
type Guard = Extract<Write, { guard: string }>;
type NodeWrite = Extract<Write, { cut: string } | { close: string } | { open: string }>;
type Change = () => void;
type Reason = Refusal['reason'];

export const rowKey = ({ realm, kind, id }: Key): string => `${realm}:${kind}:${id}`;

export type CommitDeps = {
  readonly documents: Documents;
  readonly nodes: ReturnType<typeof createNodes>;
  readonly members: ReturnType<typeof createMembers>;
  readonly counters: ReturnType<typeof createCounters>;
  readonly messages: Messages;
};

export function createSteps({ documents, nodes, members, counters, messages }: CommitDeps) {
  function preparePut(write: Put, at: Moment): Change | Reason {
    const { under = [], onlyIf, since, ttl, value } = write;
    const key = rowKey(write.put);
    const present = onlyIf === undefined ? undefined : documents.find(key, at.nowMs);
    const refused =
      nodes.refusal(write.put.realm, under, { nowMs: at.nowMs, since }) ?? unmet(present, onlyIf);
    if (refused) return refused;
    if (onlyIf === 'keep' && present) return () => undefined;
    return () => documents.put(key, { stamp: at.stamp, under, value, expires: expiry(ttl, at) });
  }

  function prepareSpend(write: Spend, at: Moment): Change | Reason {
    const key = rowKey(write.spend);
    const document = documents.find(key, at.nowMs);
    if (!document) return 'missing';
    const { stamp, spentAt, under } = document;
    if (nodes.isCut(write.spend.realm, under, { stamp, nowMs: at.nowMs })) return 'cut';
    if (spentAt !== undefined && at.stamp - spentAt > (write.graceMs ?? 0) * 1000) return 'spent';
    return () => documents.spend(key, at.stamp);
  }

  function prepareCount({ count, windowMs, most }: Count, { nowMs }: Moment): Change | Reason {
    const key = rowKey(count);
    if (counters.find(key, nowMs).count >= most) return 'exhausted';
    return () => {
      counters.add(key, { windowMs, by: 1, nowMs });
    };
  }

  /** What the step does, or why it may not be done. Writes nothing yet. */
  function prepare(write: Write, at: Moment): Change | Reason {
    if ('put' in write) return preparePut(write, at);
    if ('spend' in write) return prepareSpend(write, at);
    if ('count' in write) return prepareCount(write, at);
    if ('guard' in write) return nodes.guardRefusal(write, at.nowMs) ?? (() => undefined);
    return () => apply(write, at);
  }

  function apply(write: Exclude<Write, Put | Spend | Count | Guard>, at: Moment): void {
    if ('remove' in write) documents.remove(rowKey(write.remove));
    else if ('index' in write) members.add(rowKey(write.index), write.member, expiry(write.ttl, at));
    else if ('unindex' in write) members.remove(rowKey(write.unindex), write.member);
    else if ('publish' in write) messages.append(write.publish, write, at.nowMs);
    else applyToNode(write, at);
  }

  function applyToNode(write: NodeWrite, at: Moment): void {
    if ('cut' in write) nodes.cut(write, at);
    else if ('close' in write) nodes.close(write, at);
    else nodes.open(write, at);
  }

  return {
    /** Carries out all steps or, for the first that may not be done, none. */
    run(writes: readonly Write[], at: Moment): Committed | Refusal {
      const changes: Change[] = [];
      for (const [step, write] of writes.entries()) {
        const prepared = prepare(write, at);
        if (typeof prepared === 'string') return { ok: false, step, reason: prepared };
        changes.push(prepared);
      }
      for (const change of changes) change();
      return { ok: true, stamp: at.stamp };
    },
  };
}

function unmet(document: { stamp: number } | undefined, onlyIf: Put['onlyIf']): Reason | undefined {
  if (onlyIf === undefined || onlyIf === 'keep') return undefined;
  if (onlyIf === 'absent') return document && 'exists';
  if (!document) return 'missing';
  return onlyIf === 'present' || onlyIf === document.stamp ? undefined : 'changed';
}

function expiry(ttl: number | undefined, { nowMs }: Moment): number {
  return ttl === undefined ? never : nowMs + milliseconds(ttl);
}
