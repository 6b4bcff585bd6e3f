/** The audit log of one realm in this process: what waits, and how it gets into the store. */
import { Failure } from '../base/errors.ts';
import type { Committed, Refusal, Write } from '../storage/port/port.ts';
import type { AuditDraft, AuditEvent } from './audit-event.ts';
import { type ChainDeps, createChain } from './chain.ts';
import { createFlushTimer } from './flush-timer.ts';
import { besideOf } from './places.ts';
import { createWaiting, type Lost } from './waiting.ts';

export type RealmLogDeps = ChainDeps & {
  readonly newId: () => string;
  /** How many days events of the realm are kept. */
  readonly daysOf: (realm: string) => Promise<number>;
  onLost(lost: Lost): void;
  /** Called when events could not be written; they wait, and are tried again. */
  onTrouble(error: unknown): void;
};

type Commit = (more: readonly Write[]) => Promise<Committed | Refusal>;

export type RealmLog = ReturnType<typeof createRealmLog>;

export function createRealmLog(deps: RealmLogDeps, realm: string) {
  const waiting = createWaiting(deps);
  const writer = createRealmWriter(deps, realm);
  const timer = createFlushTimer(() => void flush());
  const inTurn = createTurns();

  function add(draft: AuditDraft): void {
    waiting.add(draft);
    timer.schedule(waiting.dueInMs());
  }

  /** Writes what waits. Never rejects: what cannot be written waits on. */
  async function flush(isLast = false): Promise<void> {
    timer.cancel();
    try {
      do {
        await inTurn(() => withWaiting(isLast, (taken) => writer.write(taken)));
      } while (isLast ? waiting.dueInMs() !== undefined : waiting.dueInMs() === 0);
      timer.succeeded();
    } catch (error) {
      timer.failed();
      deps.onTrouble(error);
    }
    if (!isLast) timer.schedule(waiting.dueInMs());
  }

  /** Writes these. What waits goes with them, so that the order stays. Rejects when it cannot be. */
  function write(drafts: readonly AuditDraft[]): Promise<void> {
    return inTurn(() =>
      withWaiting(false, (taken) => writer.write([...taken, ...drafts.map(waiting.eventOf)])),
    );
  }

  /** One commit with the writes of somebody else: all of it happens or nothing. */
  function writeWith(
    drafts: readonly AuditDraft[],
    { days, commit }: WritingWith,
  ): Promise<Committed | Refusal> {
    return inTurn(() =>
      withWaiting(false, async (taken) => {
        const outcome = await writer.writeWith([...taken, ...drafts.map(waiting.eventOf)], { days, commit });
        if (!outcome.ok) waiting.giveBack(taken);
        return outcome;
      }),
    );
  }

  async function withWaiting<T>(
    isLast: boolean,
    work: (taken: readonly AuditEvent[]) => Promise<T>,
  ): Promise<T> {
    const taken = waiting.take(isLast);
    try {
      return await work(taken);
    } catch (error) {
      waiting.giveBack(taken);
      throw error;
    }
  }

  /** Nothing waits, and nothing is being written. */
  const isIdle = (): boolean => inTurn.isFree() && waiting.dueInMs() === undefined;

  return { add, write, writeWith, flush, isIdle };
}

/** `days`: absent when the realm says it. */
type WritingWith = { readonly days: number | undefined; readonly commit: Commit };

/** One at a time: a batch holds the seal of the one before. */
function createTurns() {
  let turn: Promise<unknown> = Promise.resolve();
  let open = 0;

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    open += 1;
    const mine = turn.then(work, work).finally(() => {
      open -= 1;
    });
    turn = mine.catch(() => undefined);
    return mine;
  }

  return Object.assign(inTurn, { isFree: () => open === 0 });
}

function createRealmWriter(deps: RealmLogDeps, realm: string) {
  const { store, daysOf } = deps;
  const chains = { own: createChain(deps, realm), beside: createChain(deps, besideOf(realm)) };
  const commit: Commit = (writes) => store.commit(writes);

  /** A disabled realm takes no writes: then beside it. */
  async function write(events: readonly AuditEvent[]): Promise<void> {
    if (events.length === 0) return;
    const days = await daysOf(realm);
    const outcome = await append(chains.own, events, { days, commit });
    if (outcome.ok) return;
    if (outcome.reason !== 'closed') throw refusalOf(outcome);
    const beside = await append(chains.beside, events, { days, commit });
    if (!beside.ok) throw refusalOf(beside);
  }

  async function writeWith(events: readonly AuditEvent[], { days, commit: commitAll }: WritingWith) {
    return append(chains.own, events, { days: days ?? (await daysOf(realm)), commit: commitAll });
  }

  return { write, writeWith };
}

type Appending = { readonly days: number; readonly commit: Commit };

async function append(
  chain: ReturnType<typeof createChain>,
  events: readonly AuditEvent[],
  { days, commit }: Appending,
): Promise<Committed | Refusal> {
  const { writes, done } = await chain.append(events, days);
  try {
    const outcome = await commit(writes);
    if (outcome.ok) done();
    return outcome;
  } catch (error) {
    // It may have happened all the same. The next batch must not take the place of this one.
    chain.renew();
    throw error;
  }
}

function refusalOf({ reason }: Refusal): Failure {
  return new Failure('conflict', `the store refused the audit log: ${reason}`);
}
