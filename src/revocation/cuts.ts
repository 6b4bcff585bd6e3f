/**
 * Publishes every cut to every process, in the commit that cuts: so nobody who cuts can forget it, and nothing is
 * published that did not happen. The message holds names of revocation nodes; whoever passes it on decides who may see
 * which.
 */
import { z } from 'zod';
import { randomId } from '../base/random.ts';
import type { EventSink } from '../observability/events.ts';
import type { Store, Write } from '../storage/port/port.ts';
import { kindOf } from './nodes.ts';

const TOPIC = 'cuts';
/** A realm without tokens, for messages that a process sends to itself. */
const NOBODY = '_';

const token = z.object({ id: z.string(), aud: z.array(z.string()) });
const payload = z.object({
  nodes: z.array(z.string()).default([]),
  tokens: z.array(token).default([]),
  tick: z.string().optional(),
});

/** `nodes`: everything below these is dead or has changed. `tokens`: single guest tokens among that. */
export type Revocation = Pick<z.infer<typeof payload>, 'nodes' | 'tokens'>;

/** The store, whose every cut is published with its commit, and emitted as an event after it. */
export function publishingRevocations(store: Store, events: EventSink): Store {
  return {
    ...store,
    async commit(writes) {
      const cut = cutBy(writes);
      if (cut === undefined) return store.commit(writes);
      const { realm, nodes } = cut;
      const outcome = await store.commit([...writes, publishRevocation(realm, { nodes })]);
      if (outcome.ok)
        events.emit({ type: 'revocation', realm, nodes, kinds: [...new Set(nodes.map(kindOf))] });
      return outcome;
    },
  };
}

/** All steps of a commit belong to one realm. */
function cutBy(writes: readonly Write[]) {
  const cuts = writes.flatMap((write) => {
    if ('cut' in write) return [{ realm: write.realm, node: write.cut }];
    return 'close' in write ? [{ realm: write.realm, node: write.close }] : [];
  });
  const [first] = cuts;
  return first && { realm: first.realm, nodes: cuts.map(({ node }) => node) };
}

/** A step that says more than the cuts of its commit do: which tokens have changed, or which ones a cut means. */
export function publishRevocation(realm: string, cut: Partial<Revocation>): Write {
  return { publish: TOPIC, realm, message: JSON.stringify(cut) };
}

export type RevocationListener = {
  onRevocation(realm: string, cut: Revocation): void;
  /** Cuts may have been missed. */
  onGap(): void;
};

export type RevocationFeed = ReturnType<typeof createRevocationFeed>;

/** Subscribes to the cuts of all processes. `close` ends it. */
export function createRevocationFeed(store: Store, listener: RevocationListener) {
  const waiting = new Map<string, () => void>();
  const leave = store.subscribe(TOPIC, {
    onMessage({ realm, message }) {
      const read = payload.safeParse(JSON.parse(message));
      // A newer version may publish things that this one does not know.
      if (!read.success) listener.onGap();
      else if (read.data.tick === undefined) listener.onRevocation(realm, read.data);
      else waiting.get(read.data.tick)?.();
    },
    onGap: () => listener.onGap(),
  });

  /**
   * Whether a message that is published now arrives within so many milliseconds. Only then does silence mean that
   * nothing was cut.
   */
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
