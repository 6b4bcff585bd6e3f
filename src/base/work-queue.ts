import { Failure } from './errors.ts';

/** Whom a job is done for. Parties take turns; the members of a party take turns when it is the party's turn. */
export type Turn = {
  readonly party: string;
  readonly member: string;
  /** Aborts when nobody waits for the outcome any more: a job that has not started is dropped. */
  readonly signal?: AbortSignal | undefined;
};

export type WorkQueue = {
  /**
   * Resolves to the outcome of `job`, which starts when its turn comes. Rejects with `Failure('busy')` when it waits
   * too long, when nobody waits for it any more, or when the line is full and no other member has more in it.
   */
  run<T>(job: () => Promise<T>, turn?: Turn): Promise<T>;
};

type Limits = {
  readonly concurrency: number;
  readonly maxWaiting: number;
  /** Milliseconds that a job may wait before it starts. */
  readonly maxWaitMs: number;
};

type Waiting = { readonly turn: Turn; readonly start: () => void; readonly drop: () => void };

const NOBODY: Turn = { party: '', member: '' };

/**
 * Runs at most `concurrency` jobs at a time. The others wait in line, and both their number and their time are bounded.
 * Whoever brings many jobs delays nobody else: turns go round the parties and round their members, and a full line makes
 * place for others by dropping the last job of the member who has most.
 */
export function createWorkQueue({ concurrency, maxWaiting, maxWaitMs }: Limits): WorkQueue {
  const line = createLine();
  let running = 0;

  async function run<T>(job: () => Promise<T>, turn: Turn = NOBODY): Promise<T> {
    if (turn.signal?.aborted === true) throw busy();
    await takeSlot(turn);
    try {
      return await job();
    } finally {
      passSlot();
    }
  }

  function takeSlot(turn: Turn): Promise<void> | undefined {
    if (running < concurrency) {
      running += 1;
      return undefined;
    }
    if (line.size() >= maxWaiting && !makePlace(turn)) throw busy();
    return wait(turn);
  }

  function wait(turn: Turn): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const forget = () => {
      clearTimeout(timer);
      turn.signal?.removeEventListener('abort', giveUp);
    };
    const waiting: Waiting = {
      turn,
      start: () => {
        forget();
        resolve();
      },
      drop: () => {
        forget();
        reject(busy());
      },
    };
    const giveUp = () => {
      line.remove(waiting);
      waiting.drop();
    };
    const timer = setTimeout(giveUp, maxWaitMs);
    turn.signal?.addEventListener('abort', giveUp);
    line.add(waiting);
    return promise;
  }

  function makePlace(turn: Turn): boolean {
    const last = line.lastOfMost(turn);
    if (last === undefined) return false;
    line.remove(last);
    last.drop();
    return true;
  }

  /** Hands the slot to the next in line, so that no job that arrives in between can overtake it. */
  function passSlot(): void {
    const next = line.shift();
    if (next === undefined) {
      running -= 1;
    } else {
      next.start();
    }
  }

  return { run };
}

type Member = Waiting[];
type Party = Map<string, Member>;

/** Who waits. Maps keep their order of insertion: the first is next, and who had a turn is put last. */
function createLine() {
  const parties = new Map<string, Party>();

  function add(waiting: Waiting): void {
    const { party: name, member } = waiting.turn;
    const party = parties.get(name) ?? new Map<string, Member>();
    parties.set(name, party);
    party.set(member, [...(party.get(member) ?? []), waiting]);
  }

  function shift(): Waiting | undefined {
    const [party] = parties.values();
    const [next] = party?.values().next().value ?? [];
    if (next === undefined) return undefined;
    const rest = remove(next);
    putLast(parties, next.turn.party, rest.party);
    if (rest.party !== undefined) putLast(rest.party, next.turn.member, rest.member);
    return next;
  }

  /** What is left of the party and of the member. */
  function remove(waiting: Waiting): { party: Party | undefined; member: Member | undefined } {
    const { party: name, member } = waiting.turn;
    const party = parties.get(name);
    const left = party?.get(member)?.filter((one) => one !== waiting) ?? [];
    if (left.length > 0) party?.set(member, left);
    else party?.delete(member);
    if (party?.size === 0) parties.delete(name);
    return { party: parties.get(name), member: parties.get(name)?.get(member) };
  }

  /** The last job of whoever has more in line than `turn` would have with one more. */
  function lastOfMost(turn: Turn): Waiting | undefined {
    const own = parties.get(turn.party) ?? new Map<string, Member>();
    const most = mostOf(parties, jobsOf) ?? own;
    const party = jobsOf(most) > jobsOf(own) + 1 ? most : own;
    const ownJobs = party === own ? (own.get(turn.member)?.length ?? 0) + 1 : 0;
    const member = mostOf(party, (jobs) => jobs.length);
    return member !== undefined && member.length > ownJobs ? member.at(-1) : undefined;
  }

  function size(): number {
    return sum([...parties.values()].map(jobsOf));
  }

  return { add, shift, remove, lastOfMost, size };
}

function jobsOf(party: Party): number {
  return sum([...party.values()].map((jobs) => jobs.length));
}

function mostOf<T>(map: ReadonlyMap<string, T>, sizeOf: (value: T) => number): T | undefined {
  const values = [...map.values()];
  return values.reduce<T | undefined>(
    (most, value) => (most === undefined || sizeOf(value) > sizeOf(most) ? value : most),
    undefined,
  );
}

function putLast<T>(map: Map<string, T>, name: string, value: T | undefined): void {
  if (value === undefined) return;
  map.delete(name);
  map.set(name, value);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function busy(): Failure {
  return new Failure('busy', 'too much work is waiting, try again later');
}
