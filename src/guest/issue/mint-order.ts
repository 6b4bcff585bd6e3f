/** What a mint needs to know, whichever entry point the request came through. */
import type { Stamp, Write } from '../../storage/port/port.ts';
import type { GuestGrant } from '../grant/grant.ts';
import type { GuestRealm, Minter } from '../limits/guest-realm.ts';
import type { Actor, GuestRecord, RowOrigin } from '../record/guest-record.ts';
import type { Source } from '../trail/trail.ts';

/** A user as the subject of a guest token, with the user's permissions of this moment as `api:permission`. */
export type SubjectUser = {
  readonly id: string;
  readonly roles: readonly string[];
  readonly permissions: ReadonlySet<string>;
};

/** The token that a guest is made from. */
export type ParentToken = {
  /** More nodes that the guest token hangs under: the token that it is made from, its session, user and client. */
  readonly nodes: readonly string[];
  /** The user whose permissions limit the guest token. Absent for a client's own token and for an assertion. */
  readonly user?: SubjectUser;
  /** Present when the token is made from a guest token: it can only be narrower. */
  readonly guest?: { readonly record: GuestRecord; readonly usesLeft: number | null };
};

/** The values that are shown once. */
export type Issued = {
  readonly value: string;
  readonly refresh?: { readonly value: string; readonly expiresIn: number };
};

export type MintOrder = {
  /** True for a trial on the fast path: a refusal emits no event, because the library's path asks again. */
  readonly isTrial?: boolean;
  readonly realm: GuestRealm;
  readonly minter: Minter;
  readonly asked: GuestGrant;
  /** Who asks, for the trail. */
  readonly source: Source;
  /** Audiences or API ids that were asked for; empty: the minter's first. */
  readonly audiences?: readonly string[];
  /** Coarse scopes that were asked for (`guest:view`, …). Absent: those that the actions need. */
  readonly scope?: string | undefined;
  readonly parent?: ParentToken;
  readonly act?: Actor | undefined;
  /** Thumbprint of the key whose proof came with the request (RFC 9449). */
  readonly jkt?: string | undefined;
  /** Keep the value, sealed, to show it again. */
  readonly showAgain?: boolean;
  /** More claims of a signed value, for readers that expect their own names. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Which part of the call each condition on rows came from. */
  readonly rowOrigins?: readonly RowOrigin[];
  /** More writes of the same commit. When a condition of them does not hold, the mint is refused as `conflict`. */
  readonly also?: (record: GuestRecord, hash: string, issued: Issued) => readonly Write[];
  /** The quota counted this mint before, when its opener was made. */
  readonly isCounted?: boolean;
  /** The stamp of the reads that the order relies on: a cut since then refuses the mint. */
  readonly since?: Stamp | undefined;
};
