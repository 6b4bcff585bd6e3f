import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../base/errors.ts';
import type { EventSink } from '../../observability/events.ts';
import { LASTING_CUT_TTL } from '../../revocation/life.ts';
import type { Committed, Refusal, Store, Write } from '../../storage/port/port.ts';
import type { Changed } from './change-feed.ts';
import type { Actor, Change, ChangeLog } from './change-log.ts';
import { type Codec, settingsKey, TOPIC } from './records.ts';

export type Committer = ReturnType<typeof createCommitter>;

type CommitterDeps = {
  readonly store: Store;
  readonly codec: Codec;
  readonly events: EventSink;
  readonly actor: Actor;
  readonly changeLog: ChangeLog;
  /** Called for each change after its commit and before the caller learns of it. */
  announce(realm: string, changed: Changed): void;
};

/**
 * Commits changes of a realm by one actor, together with their record and the messages that tell other processes.
 */
export function createCommitter({ store, codec, events, announce, actor, changeLog }: CommitterDeps) {
  async function commit(
    realm: string,
    writes: readonly Write[],
    changes: readonly Change[],
    { isRecorded = true }: { readonly isRecorded?: boolean } = {},
  ): Promise<Committed | Refusal> {
    const changed = changes.map(({ what, id }): Changed => ({ what, ...(id !== undefined && { id }) }));
    const messages = changed.map((one) => ({ publish: TOPIC, realm, message: JSON.stringify(one) }));
    const result = await recorded(realm, isRecorded ? changes : [], (more) =>
      commitAll(realm, [...writes, ...messages, ...more]),
    );
    if (result.ok) {
      for (const one of changed) {
        announce(realm, one);
        events.emit({ type: 'registry.changed', realm, ...one });
      }
    }
    return result;
  }

  function recorded(
    realm: string,
    changes: readonly Change[],
    commitWith: (more: readonly Write[]) => Promise<Committed | Refusal>,
  ): Promise<Committed | Refusal> {
    return changes.length === 0 ? commitWith([]) : changeLog.record({ realm, actor, changes }, commitWith);
  }

  /** An actor that has lost its rights since they were read changes nothing any more. */
  async function commitAll(realm: string, writes: readonly Write[]): Promise<Committed | Refusal> {
    const { rights } = actor;
    const guards: readonly Write[] =
      rights === undefined || actor.realm !== realm
        ? []
        : [{ guard: rights.node, realm, since: rights.since }];
    const first = await store.commit([...writes, ...guards]);
    if (first.ok) return first;
    if (guards.length > 0 && first.step === writes.length) {
      throw new Failure('forbidden', 'your own rights have just changed');
    }
    return first.reason === 'closed' ? commitToClosed(realm, writes) : first;
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

/** Throws to refuse the removal of what is stored. */
export type Allow<T> = (stored: T) => void;

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
