/** What a mint needs to know, whichever door it came through. */
import type { Stamp, Write } from '../../storage/port/port.ts';
import type { GuestGrant } from '../grant/grant.ts';
import type { GuestRealm, Minter } from '../limits/guest-realm.ts';
import type { Actor, GuestRecord, RowOrigin } from '../record/guest-record.ts';
import type { Source } from '../trail/trail.ts';

/** A user as the subject of a guest, with the permissions of this moment as `api:permission`. */
export type SubjectUser = { readonly id: string; readonly permissions: ReadonlySet<string> };

/** The token that a guest is made from. */
export type ParentToken = {
  /** Where the guest hangs too: the token itself, its session, user and client. */
  readonly nodes: readonly string[];
  /** Whose own rights limit the guest; a client's token or an assertion limits nothing. */
  readonly user?: SubjectUser;
  /** Set when it is a guest token itself: the new one can only be narrower. */
  readonly guest?: { readonly record: GuestRecord; readonly usesLeft: number | null };
};

/** What is told once. */
export type Issued = {
  readonly value: string;
  readonly refresh?: { readonly value: string; readonly expiresIn: number };
};

export type MintOrder = {
  /** A refusal is not told as an event, because the same is asked for again. */
  readonly isTrial?: boolean;
  readonly realm: GuestRealm;
  readonly minter: Minter;
  readonly asked: GuestGrant;
  /** Who asks, for the trail. */
  readonly source: Source;
  /** Audiences or API ids that were asked for; empty: the minter's first. */
  readonly audiences?: readonly string[];
  /** Coarse verbs that were asked for (`guest:view`…); absent: what the actions need. */
  readonly scope?: string | undefined;
  readonly parent?: ParentToken;
  readonly act?: Actor | undefined;
  /** Thumbprint of the key whose proof came with the request (RFC 9449). */
  readonly jkt?: string | undefined;
  /** Keep the value, sealed, to show it again. */
  readonly showAgain?: boolean;
  /** Further claims of a signed value, for readers that want them in words of their own. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Where the conditions in the rows of its resources came from. */
  readonly rowOrigins?: readonly RowOrigin[];
  /** What else is written with the token, or nothing is. A condition of it that does not hold is a `conflict`. */
  readonly also?: (record: GuestRecord, hash: string, issued: Issued) => readonly Write[];
  /** It was counted before, as the opener that it comes from. */
  readonly isCounted?: boolean;
  /** The stamp at which what this relies on was read: a cut since then refuses the mint. */
  readonly since?: Stamp | undefined;
};
