/**
 * What one request reads from and writes to the store.
 *
 * Reads are remembered, so that the library's repeated look-ups of one record cost one round trip. Where a route asks
 * for it, writes wait and are committed together, all or nothing, before the answer leaves: the spent code, its
 * tokens and its session are one atomic step, and a crash leaves either all of them or none. A commit is refused
 * when anything the request was decided on has been cut since it was read.
 */
import type { Document, Key, Refusal, Stamp, Store, Write } from './port.ts';

type Step = { readonly write: Write; readonly refused: (reason: Refusal['reason']) => Error };

export type UnitOfWork = ReturnType<typeof createUnitOfWork>;

export function createUnitOfWork(store: Store, options: { readonly deferred: boolean }) {
  const seen = new Map<string, Promise<Document | undefined>>();
  const waiting: Step[] = [];
  const guards = new Map<string, Step>();
  let readAt: Stamp | undefined;

  function read(key: Key): Promise<Document | undefined> {
    const name = nameOf(key);
    const known = seen.get(name) ?? load(key);
    seen.set(name, known);
    return known;
  }

  async function load(key: Key): Promise<Document | undefined> {
    const [document] = await store.read([key]);
    if (document !== undefined) noteRead(document.now);
    return document;
  }

  /** Notes a read at this stamp that the request relies on. */
  function noteRead(stamp: Stamp): void {
    readAt = Math.min(readAt ?? stamp, stamp);
  }

  /**
   * Refuses every commit of this request when this node was cut since: the request relies on the thing that the node
   * stands for.
   */
  function guard(realm: string, node: string, since: Stamp, refused: Step['refused']): void {
    guards.set(node, { write: { guard: node, realm, since }, refused });
  }

  /** Removes a guard: the request itself has changed the thing that it relied on. */
  function unguard(node: string): void {
    guards.delete(node);
  }

  /**
   * Adds steps to those that are committed at the end, or commits them now. `refused` makes the error of a refused
   * step.
   */
  async function write(writes: readonly Write[], refused: Step['refused']): Promise<void> {
    for (const step of writes) {
      waiting.push({ write: step, refused });
      if ('put' in step) seen.set(nameOf(step.put), Promise.resolve(pending(step)));
    }
    if (!options.deferred) await commit();
  }

  /** Commits the waiting steps in one round trip. Rejects with the error of the step that was refused. */
  async function commit(): Promise<void> {
    const steps = waiting.splice(0);
    if (steps.length === 0) return;
    steps.push(...guards.values());
    const outcome = await store.commit(steps.map((step) => guarded(step.write)));
    if (outcome.ok) return;
    throw (
      steps[outcome.step]?.refused(outcome.reason) ?? new Error('a commit was refused at an unknown step')
    );
  }

  function guarded(step: Write): Write {
    if (!('put' in step) || step.under === undefined || readAt === undefined) return step;
    return { ...step, since: step.since ?? readAt };
  }

  /** Commits at once, independent of the outcome of the request. */
  async function now(writes: readonly Write[]): Promise<void> {
    const outcome = await store.commit(writes);
    if (!outcome.ok) throw new Error(`a step that cannot be refused was refused: ${outcome.reason}`);
  }

  /** Drops the waiting steps: the request failed. */
  function discard(): void {
    waiting.length = 0;
  }

  return { read, noteRead, guard, unguard, write, now, commit, discard };
}

function nameOf(key: Key): string {
  return `${key.realm}:${key.kind}:${key.id}`;
}

function pending(step: Extract<Write, { put: Key }>): Document {
  return { value: step.value, stamp: 0, cut: false, now: 0 };
}
