import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../base/errors.ts';
import type { EventSink } from '../../observability/events.ts';
import { LASTING_CUT_TTL } from '../../revocation/life.ts';
import type { Committed, Refusal, Store, Write } from '../../storage/port/port.ts';
import type { Changed } from './change-feed.ts';
import { type Codec, settingsKey, TOPIC } from './records.ts';

export type Committer = ReturnType<typeof createCommitter>;

type CommitterDeps = {
  readonly store: Store;
  readonly codec: Codec;
  readonly events: EventSink;
  /** Called for each change after its commit and before the caller learns of it. */
  announce(realm: string, changed: Changed): void;
};

/** Commits changes of a realm together with the messages that tell other processes. */
export function createCommitter({ store, codec, events, announce }: CommitterDeps) {
  async function commit(
    realm: string,
    writes: readonly Write[],
    changes: readonly Changed[],
  ): Promise<Committed | Refusal> {
    const messages = changes.map((change) => ({ publish: TOPIC, realm, message: JSON.stringify(change) }));
    const all = [...writes, ...messages];
    const first = await store.commit(all);
    const result = !first.ok && first.reason === 'closed' ? await commitToClosed(realm, all) : first;
    if (result.ok) {
      for (const change of changes) {
        announce(realm, change);
        events.emit({ type: 'registry.changed', realm, ...change });
      }
    }
    return result;
  }

  /**
   * A disabled realm is a closed node, and takes no writes. It is opened for this commit and closed again. What was
   * issued before stays dead, and the settings, which say `enabled: false`, keep anything new from being issued.
   */
  async function commitToClosed(realm: string, writes: readonly Write[]): Promise<Committed | Refusal> {
    await store.commit([{ open: '', realm, ttl: LASTING_CUT_TTL }]);
    const result = await store.commit(writes);
    await retried(() => closeUnlessEnabled(realm));
    return result;
  }

  /** Conditional on the settings that were read, so that it never closes a realm that was enabled meanwhile. */
  async function closeUnlessEnabled(realm: string): Promise<true | undefined> {
    const key = settingsKey(realm);
    const [settings] = await store.read([key]);
    if (settings === undefined) {
      await store.commit([{ close: '', realm, ttl: LASTING_CUT_TTL }]);
      return true;
    }
    if (codec.decodeSettings(key, settings.value).enabled) return true;
    const result = await store.commit([
      { put: key, value: settings.value, onlyIf: settings.stamp },
      { close: '', realm },
    ]);
    return result.ok || result.reason === 'closed' ? true : undefined;
  }

  return { commit };
}

/** Repeats an attempt as long as it resolves to `undefined`, which means that somebody else's change came first. */
export async function retried<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let left = 16; left > 0; left--) {
    const result = await attempt();
    if (result !== undefined) return result;
  }
  throw new Failure('busy', 'too many changes of the same thing at once, try again');
}

/** True when two values are equal once stored: an absent field equals an undefined one. */
export function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(atRest(a), atRest(b));
}

function atRest(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
