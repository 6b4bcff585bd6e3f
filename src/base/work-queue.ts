import { Failure } from './errors.ts';

/** Who waits for a job. */
export type WorkSource = {
  readonly realm: string;
  readonly network: string;
  /** True when nobody waits any more. */
  isGone(): boolean;
};

export type WorkQueue = {
  /**
   * Resolves to the outcome of `job`, which starts when its turn comes. Rejects with `Failure('busy')` when too many
   * jobs wait, when it has waited too long, and when its source is gone before it starts.
   */
  run<T>(job: () => Promise<T>, source?: WorkSource): Promise<T>;
};

type Waiting = { start(): void; refuse(): void; isGone(): boolean };

/** A job that nobody in particular waits for, such as one of the command line. */
const NOBODY: WorkSource = { realm: '', network: '', isGone: () => false };

/**
 * Runs at most `concurrency` jobs at a time; at most `maxWaiting` wait, a job with a source for at most `maxWaitMs`.
 * Realms take turns, and the networks of a realm among themselves: who sends many jobs waits for them, and nobody
 * else. When too many wait, the last job of who has most waiting gives way to one of who has fewer.
 */
export function createWorkQueue(limits: {
  readonly concurrency: number;
  readonly maxWaiting: number;
  readonly maxWaitMs?: number;
}): WorkQueue {
  const line = createLine();
  let running = 0;

  async function run<T>(job: () => Promise<T>, source?: WorkSource): Promise<T> {
    await takeSlot(source);
    try {
      return await job();
    } finally {
      passSlot();
    }
  }

  function takeSlot(source: WorkSource | undefined): Promise<void> | undefined {
    if (running < limits.concurrency) {
      running += 1;
      return undefined;
    }
    const { realm, network, isGone } = source ?? NOBODY;
    if (line.size() >= limits.maxWaiting && !line.makeRoom(realm, network)) throw tooMuch();
    return new Promise((resolve, reject) => {
      const timer = source === undefined ? undefined : giveUpLater(() => leave());
      const end = (finish: () => void) => () => {
        clearTimeout(timer);
        finish();
      };
      const waiting = { start: end(resolve), refuse: end(() => reject(tooMuch())), isGone };
      const remove = line.add(realm, network, waiting);
      const leave = () => {
        remove();
        waiting.refuse();
      };
    });
  }

  function giveUpLater(leave: () => void): NodeJS.Timeout | undefined {
    return limits.maxWaitMs === undefined ? undefined : setTimeout(leave, limits.maxWaitMs).unref();
  }

  /** Hands the slot to the next in line, so that no job that arrives in between can overtake it. */
  function passSlot(): void {
    let next = line.next();
    while (next?.isGone() === true) {
      next.refuse();
      next = line.next();
    }
    if (next === undefined) running -= 1;
    else next.start();
  }

  return { run };
}

function tooMuch(): Failure {
  return new Failure('busy', 'too much work is waiting, try again later');
}

/** Who waits, by realm and network. Maps keep the order of insertion: who was served goes to the end. */
function createLine() {
  const realms = new Map<string, Map<string, Waiting[]>>();
  let count = 0;

  function add(realm: string, network: string, waiting: Waiting): () => void {
    const networks = realms.get(realm) ?? new Map<string, Waiting[]>();
    const own = networks.get(network) ?? [];
    own.push(waiting);
    networks.set(network, own);
    realms.set(realm, networks);
    count += 1;
    return () => {
      const at = own.indexOf(waiting);
      if (at === -1) return;
      own.splice(at, 1);
      count -= 1;
      tidy(realm, network);
    };
  }

  function next(): Waiting | undefined {
    const [realm, networks] = firstOf(realms) ?? [];
    const [network, own] = (networks && firstOf(networks)) ?? [];
    if (realm === undefined || networks === undefined || network === undefined) return undefined;
    const found = own?.shift();
    count -= 1;
    toEnd(networks, network);
    toEnd(realms, realm);
    tidy(realm, network);
    return found;
  }

  /** False when nobody has more waiting than this source would have with one more. */
  function makeRoom(realm: string, network: string): boolean {
    const mine = realms.get(realm)?.get(network)?.length ?? 0;
    const all = [...realms].flatMap(([name, networks]) =>
      [...networks].map(([of, own]) => ({ realm: name, network: of, own })),
    );
    const most = all.reduce((a, b) => (b.own.length > a.own.length ? b : a), { realm, network, own: [] });
    if (most.own.length <= mine + 1) return false;
    const last = most.own.pop();
    count -= 1;
    tidy(most.realm, most.network);
    last?.refuse();
    return true;
  }

  function tidy(realm: string, network: string): void {
    const networks = realms.get(realm);
    if (networks?.get(network)?.length === 0) networks.delete(network);
    if (networks?.size === 0) realms.delete(realm);
  }

  return { add, next, makeRoom, size: () => count };
}

function firstOf<V>(map: ReadonlyMap<string, V>): readonly [string, V] | undefined {
  for (const entry of map) return entry;
  return undefined;
}

function toEnd<V>(map: Map<string, V>, key: string): void {
  const value = map.get(key);
  if (value === undefined) return;
  map.delete(key);
  map.set(key, value);
}
