/**
 * The one check "is this access token usable here": its kind, its life, what it is bound to, and which API it is for.
 * Pure: the document, the time and what the request proves in, the token's record out.
 */
import type { Document } from '../storage/port/port.ts';
import { decodeToken, type TokenRecord } from './record.ts';

/** What a request proves that its sender holds. */
export type Possession = {
  /** Thumbprint of the key whose DPoP proof came with the request (RFC 9449 §6.1). */
  readonly jkt?: string | undefined;
  /** Thumbprint of the certificate of its connection (RFC 8705 §3.1). */
  readonly 'x5t#S256'?: string | undefined;
};

type Use = {
  /** Seconds since the epoch. */
  readonly now: number;
  /** Absent: the token must be a bearer token. */
  readonly proven?: Possession;
  /** The audiences of which the token must have one. Absent where another check decides what it is for. */
  readonly audiences?: readonly string[];
};

/** The record of an access token that the sender may use now; `undefined` for any other document, and for none. */
export function usableToken(
  document: Document | undefined,
  { now, proven = {}, audiences }: Use,
): TokenRecord | undefined {
  const record = document && decodeToken(document.value);
  if (document === undefined || record === undefined || record.kind === 'RefreshToken') return undefined;
  const isHere = audiences === undefined || (record.aud !== undefined && audiences.includes(record.aud));
  return isHere && isLive(document, record, now) && isHeld(record, proven) ? record : undefined;
}

/** Not cut, not spent, not expired. `now` is in seconds. */
export function isLive(document: Document, record: TokenRecord, now: number): boolean {
  return !document.cut && document.spentAt === undefined && record.exp > now;
}

/** Whether a token is bound to nothing, or only to what is proven (RFC 9449 §7.2, RFC 8705 §3). */
export function isHeld(bound: Possession, proven: Possession): boolean {
  return (
    (bound.jkt === undefined || bound.jkt === proven.jkt) &&
    (bound['x5t#S256'] === undefined || bound['x5t#S256'] === proven['x5t#S256'])
  );
}

/**
 * Whether a client may exchange a token that it holds: a bound token is refused without its key or certificate, and from
 * any other client than the one it was issued to.
 */
export function isHeldBy(
  clientId: string,
  bound: Possession & { readonly clientId: string },
  proven: Possession,
): boolean {
  const isBound = bound.jkt !== undefined || bound['x5t#S256'] !== undefined;
  return !isBound || (bound.clientId === clientId && isHeld(bound, proven));
}
