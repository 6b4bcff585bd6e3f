/** Who sent a request, as far as it shows: evidence for a trail, never a reason to decide anything. */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

export type RequestSource = {
  /** The network address, after trusted proxies. */
  readonly ip?: string;
  /** The `Origin` header (RFC 6454 §7): written by browsers, and by anybody else at will. */
  readonly origin?: string;
  readonly userAgent?: string;
};

const MAX_AGENT = 256;
/** The longest IPv6 address; a zone behind it could be of any length. */
const MAX_ADDRESS = 45;

/** The door (http/trusted-proxy.ts) has replaced the forwarding headers by the caller's address. */
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

/** `undefined` for what is no address. */
export function addressOf(text: string | undefined): string | undefined {
  return text !== undefined && text.length <= MAX_ADDRESS && isIP(text) !== 0 ? text : undefined;
}

/** Scheme, host and port alone: path and query may hold what lets somebody in. */
export function originOf(text: string | undefined): string | undefined {
  const origin = URL.parse(text ?? '')?.origin;
  return origin === undefined || origin === 'null' || origin.length > MAX_AGENT ? undefined : origin;
}

/** On one line, with nothing that changes how the rest of it is shown. */
export function agentOf(text: string | undefined): string | undefined {
  const plain = (text ?? '').replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  return plain === ''
    ? undefined
    : [...plain.slice(0, 2 * MAX_AGENT)].slice(0, MAX_AGENT).join('').toWellFormed();
}
