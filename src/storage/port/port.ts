/**
 * The port to the store: documents with an expiry, atomic commits, cuts, expiring indexes, counters with a
 * window, publish/subscribe. Knows nothing of OAuth. Two engines keep this contract (`embedded/`, `redis/`) and
 * pass one suite (`test/conformance/store.ts`).
 *
 * **Nodes and cuts.** A document may hang `under` named nodes of its realm. `cut` declares everything that was
 * written under a node before now dead, in one write, whatever hangs there; what is written afterwards lives.
 * `close` does the same for ever: nothing written under a closed node lives, before or after, and a commit that
 * tries is refused. Every document of a realm also hangs under the node `''` (the realm itself) without naming it.
 *
 * **Stamps** are microseconds of the store's own clock and strictly increase within a realm, so that "before" and
 * "after" are decided by the store and never by the clock of a node (which would revive a cut document).
 *
 * Every operation rejects with `Failure('unavailable')` within two seconds when the store cannot be reached. A commit
 * that was rejected so may nevertheless have happened: only its answer may be lost. What breaks the terms of this
 * port (a colon in a realm, a `ttl` that is no number, steps of two realms) is a bug and throws a RangeError.
 */

/** The key of a document. `kind` and `realm` contain no `:`; `id` is any text. */
export type Key = { readonly realm: string; readonly kind: string; readonly id: string };

/** Microseconds since the epoch by the store's clock, strictly increasing within a realm. */
export type Stamp = number;

export type Document = {
  readonly value: string;
  /** When it was written last, by `put`. Serves as the revision for a conditional write. */
  readonly stamp: Stamp;
  /** When it was spent, if it was. */
  readonly spentAt?: Stamp;
  /** True when a node above it was cut after it was written, or is closed. */
  readonly cut: boolean;
  /** The store's clock at this read, to be compared with `stamp` and `spentAt`. */
  readonly now: Stamp;
};

/**
 * One step of a commit. All steps of a commit happen or none; all belong to one realm; there is at least one.
 *
 * First the conditions of all steps (`onlyIf`, `keep` included, `since`, closed nodes, what `spend` asks for) are
 * judged on the state before the commit; when all hold, the steps are carried out in their order. A commit is one
 * moment with one stamp: a cut in it spares the documents that it puts.
 */
export type Write =
  | {
      readonly put: Key;
      readonly value: string;
      /** Seconds until it expires (0 or less: at once). Absent only for registry data, which stays. */
      readonly ttl?: number;
      /** Nodes it hangs under, at most 256; names hold no control characters. */
      readonly under?: readonly string[];
      /**
       * `absent`: refuse the commit when the document is there. `keep`: leave a document that is there as it is and go on.
       * `present`: refuse when it is not there. A stamp: refuse when it is not there with exactly this stamp.
       */
      readonly onlyIf?: 'absent' | 'keep' | 'present' | Stamp;
      /**
       * Refuse the commit when a node of `under`, or the realm, was cut (by a commit, however far back the cut reaches) at
       * or after this stamp. Meant for `now` of the read that the decision rests on, which is later than every commit
       * before that read and not later than any after it.
       */
      readonly since?: Stamp;
    }
  | {
      /**
       * Marks a document as used up. Refused when it is missing, cut (or below a closed node), or was spent longer than
       * `graceMs` ago (default: ever); whoever spends it again within that time does not change `spentAt`.
       */
      readonly spend: Key;
      readonly graceMs?: number;
    }
  | {
      /**
       * Adds 1 to a counter, which expires `windowMs` after its first count. Refused when it has counted `most` or more
       * before this commit.
       */
      readonly count: Key;
      readonly windowMs: number;
      readonly most: number;
    }
  | { readonly remove: Key }
  | {
      /** Refuses the commit when this very node was cut or closed at or after `since`, or is closed. Writes nothing. */
      readonly guard: string;
      readonly realm: string;
      readonly since: Stamp;
    }
  | {
      /** A node of `realm` (`''` is the realm itself). `ttl`: seconds the cut must be remembered; never shortens it. */
      readonly cut: string;
      readonly realm: string;
      readonly ttl: number;
      /** Only what was written before this stamp dies; default: now. Never later than now; never moves a cut back. */
      readonly before?: Stamp;
    }
  | {
      /** Closes a node; without `ttl` until it is opened. With one it must be remembered so long; never shortens it. */
      readonly close: string;
      readonly realm: string;
      readonly ttl?: number;
    }
  | {
      /** Opens a closed node: what was written before now stays dead (for `ttl` seconds), what comes lives. No-op on an open node. */
      readonly open: string;
      readonly realm: string;
      readonly ttl: number;
    }
  | {
      /** Adds a member to an expiring index or renews it; it leaves the index after `ttl` seconds (absent: never). */
      readonly index: Key;
      readonly member: string;
      readonly ttl?: number;
    }
  | { readonly unindex: Key; readonly member: string }
  | { readonly publish: string; readonly realm: string; readonly message: string };

/** Why a commit was refused: the first step that could not be done. */
export type Refusal = {
  readonly ok: false;
  /** Index of the refused step. */
  readonly step: number;
  readonly reason: 'exists' | 'missing' | 'changed' | 'spent' | 'cut' | 'closed' | 'exhausted';
};

export type Committed = { readonly ok: true; readonly stamp: Stamp };

export type Page = { readonly members: readonly string[]; readonly next?: string };

export type Counted = { readonly count: number; readonly resetsInMs: number };

export interface Store {
  /**
   * The documents in the order of the keys, in one round trip; `undefined` for one that does not exist or has
   * expired.
   */
  read(keys: readonly Key[]): Promise<readonly (Document | undefined)[]>;

  /** All or nothing, in one round trip; of several callers that spend one document at once exactly one succeeds. */
  commit(writes: readonly Write[]): Promise<Committed | Refusal>;

  /**
   * Live members in the order in which they will leave, equal ones by their bytes, a page at a time. `limit` 1 to 1,000.
   * `next` stands for a place and not for a member: removals between pages neither skip nor repeat anything. A member
   * renewed meanwhile moves, so it may be seen twice. `prefix`: only members that begin with it, of an index whose
   * members never leave by themselves; found at once, however long the index is.
   */
  list(
    index: Key,
    options: { readonly limit: number; readonly after?: string; readonly prefix?: string },
  ): Promise<Page>;

  /**
   * Adds `by` to a counter that expires `windowMs` after its first count. With `by` 0 it only reads (all 0 when there
   * is no counter).
   */
  count(key: Key, options: { readonly windowMs: number; readonly by: number }): Promise<Counted>;

  /**
   * Hears every message published on `topic` in any process from now on, in well under a second.
   * `onGap` is called after a time in which messages may have been missed (a lost connection; also when listening
   * began later than this call): drop what you cached. `onDoubt` is called as soon as messages may be missing, at the latest
   * two seconds after; from then until `onGap` nothing that was cached can be relied on. The returned function ends it; calling it twice does no harm.
   */
  subscribe(
    topic: string,
    listener: {
      onMessage(message: { realm: string; message: string }): void;
      onGap(): void;
      onDoubt?(): void;
    },
  ): () => void;

  /** Resolves when the store answers and is still the one that was opened; else rejects with `Failure('unavailable')`. */
  ping(): Promise<void>;

  /** Warnings for the operator about the setup of the store; empty when all is well. */
  warnings(): Promise<readonly string[]>;

  close(): Promise<void>;
}
