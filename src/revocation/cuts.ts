/**
 * Tells every process what was cut, in the commit that cuts it: so nobody who cuts can forget to tell, and nothing is
 * told that did not happen. What is told are names of nodes of the revocation tree; who may see which is for those who
 * pass it on.
 */
import { z } from 'zod';
import { randomId } from '../base/random.ts';
import type { Store, Write } from '../storage/port/port.ts';

const TOPIC = 'cuts';
/** Holds no tokens: the realm of what a process tells itself. */
const NOBODY = '_';

const token = z.object({ id: z.string(), aud: z.array(z.string()) });
const payload = z.object({
  nodes: z.array(z.string()).default([]),
  tokens: z.array(token).default([]),
  tick: z.string().optional(),
});

/** `nodes`: whatever hangs under one of them is dead, or has changed. `tokens`: single guest tokens among that. */
export type Revocation = Pick<z.infer<typeof payload>, 'nodes' | 'tokens'>;

/** The store, whose every cut is told. */
export function publishingRevocations(store: Store): Store {
  return { ...store, commit: (writes) => store.commit([...writes, ...messagesFor(writes)]) };
}

function messagesFor(writes: readonly Write[]): readonly Write[] {
  const cuts = writes.flatMap((write) => {
    if ('cut' in write) return [{ realm: write.realm, node: write.cut }];
    return 'close' in write ? [{ realm: write.realm, node: write.close }] : [];
  });
  const [first] = cuts;
  return first === undefined ? [] : [publishRevocation(first.realm, { nodes: cuts.map(({ node }) => node) })];
}

/** A step that tells of more than cuts do: of tokens that have changed, or which tokens a cut means. */
export function publishRevocation(realm: string, cut: Partial<Revocation>): Write {
  return { publish: TOPIC, realm, message: JSON.stringify(cut) };
}

export type RevocationListener = {
  onRevocation(realm: string, cut: Revocation): void;
  /** Cuts may have been missed. */
  onGap(): void;
};

export type RevocationFeed = ReturnType<typeof createRevocationFeed>;

/** Hears of cuts in any process. `close` ends it. */
export function createRevocationFeed(store: Store, listener: RevocationListener) {
  const waiting = new Map<string, () => void>();
  const leave = store.subscribe(TOPIC, {
    onMessage({ realm, message }) {
      const read = payload.safeParse(JSON.parse(message));
      // A newer version may tell of things that this one has never heard of.
      if (!read.success) listener.onGap();
      else if (read.data.tick === undefined) listener.onRevocation(realm, read.data);
      else waiting.get(read.data.tick)?.();
    },
    onGap: () => listener.onGap(),
  });

  /** Whether a message that is sent now is heard within so many milliseconds: silence means nothing unless it would be. */
  async function isAlive(withinMs: number): Promise<boolean> {
    const tick = randomId();
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const late = setTimeout(() => resolve(false), withinMs);
    waiting.set(tick, () => resolve(true));
    store.commit([{ publish: TOPIC, realm: NOBODY, message: JSON.stringify({ tick }) }]).then(
      () => undefined,
      () => resolve(false),
    );
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      waiting.delete(tick);
    }
  }

  return { isAlive, close: leave };
}
