/** Where a request came from, as far as it shows: evidence for a trail, never a reason to decide anything. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

export type RequestSource = {
  /** The network address, after trusted proxies. */
  readonly ip?: string;
  /** The `Origin` header (RFC 6454 §7). Browsers set it; other callers can send any value. */
  readonly origin?: string;
  readonly userAgent?: string;
  /** The `X-Request-Id` of the answer. */
  readonly requestId?: string;
};

const MAX_AGENT = 256;
/** The length of the longest IPv6 address. A zone behind it could have any length. */
const MAX_ADDRESS = 45;

/** `trusted-proxy.ts` has replaced the forwarding headers by the caller's address. */
export function requestSourceOf({ headers }: Pick<IncomingMessage, 'headers'>): RequestSource {
  const forwarded = headers['x-forwarded-for'];
  const ip = addressOf(typeof forwarded === 'string' ? forwarded : undefined);
  const origin = originOf(headers.origin);
  const userAgent = agentOf(headers['user-agent']);
  return {
    ...(ip === undefined ? {} : { ip }),
    ...(origin === undefined ? {} : { origin }),
    ...(userAgent === undefined ? {} : { userAgent }),
  };
}

/** The address; `undefined` for text that is none. */
export function addressOf(text: string | undefined): string | undefined {
  return text !== undefined && text.length <= MAX_ADDRESS && isIP(text) !== 0 ? text : undefined;
}

/** Scheme, host and port only: path and query may contain a credential. */
export function originOf(text: string | undefined): string | undefined {
  const origin = URL.parse(text ?? '')?.origin;
  return origin === undefined || origin === 'null' || origin.length > MAX_AGENT ? undefined : origin;
}

/** On one line, without characters that change how the rest of the line is shown. */
export function agentOf(text: string | undefined): string | undefined {
  const plain = (text ?? '').replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return plain === ''
    ? undefined
    : [...plain.slice(0, 2 * MAX_AGENT)].slice(0, MAX_AGENT).join('').toWellFormed();
}
