/** Who changes a realm, and where it is written down. */
import type { RequestSource } from '../../observability/request-source.ts';
import type { Committed, Refusal, Stamp, Write } from '../../storage/port/port.ts';
import type { Changed } from './change-feed.ts';

/**
 * Whoever makes a change. `operator`: somebody at the command line. `server`: the server itself, when it applies realm
 * files or a client registers itself. `id`: of the user or client; `realm`: where that user or client lives.
 */
export type Actor = {
  readonly kind: 'user' | 'client' | 'operator' | 'server';
  readonly id?: string | undefined;
  readonly realm?: string | undefined;
  readonly source?: RequestSource | undefined;
  readonly requestId?: string | undefined;
  /**
   * What the rights of the actor hang on, and when they were read. In its own realm a change is refused when they were
   * cut since.
   */
  readonly rights?: { readonly node: string; readonly since: Stamp } | undefined;
};

export const theServer: Actor = { kind: 'server' };

/** One change as it is written down: `before` is absent for what was created, `after` for what was removed. */
export type Change = Changed & { readonly before?: object | undefined; readonly after?: object | undefined };

type Entry = { readonly realm: string; readonly actor: Actor; readonly changes: readonly Change[] };

/** Something that an actor does and that is no change of the registry: a session ended, keys rotated. */
export type Deed = {
  readonly realm: string;
  readonly actor: Actor;
  /** Closed names, such as `session.end`. */
  readonly deed: string;
  /** What it is done to: `{ session: '…' }`. */
  readonly to: Readonly<Record<string, string>>;
};

/** Commits a change together with the writes that record it: both happen or neither. */
export type ChangeLog = {
  /** Writes a deed down before it is done. Rejects when that cannot be: then it must not be done. */
  note(deed: Deed): Promise<void>;
  record(
    entry: Entry,
    commit: (more: readonly Write[]) => Promise<Committed | Refusal>,
  ): Promise<Committed | Refusal>;
};
