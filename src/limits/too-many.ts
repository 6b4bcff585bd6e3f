/**
 * Limits as answers: what a caller is told about quotas and blocks. Knows neither tokens nor HTTP; surfaces send the
 * fields that are made here.
 */
import { Failure } from '../base/errors.ts';

/** A limit and what is left of it, in the terms of draft-ietf-httpapi-ratelimit-headers. */
export type LimitState = {
  /** The policy's name: letters, digits and hyphens. */
  readonly name: string;
  readonly quota: number;
  /** Seconds; absent for a limit that has no window. */
  readonly window?: number;
  readonly remaining: number;
  /** Seconds until the whole quota is there again. */
  readonly resetsIn: number;
};

type Fields = Readonly<Record<string, string>>;

/** The failure of a caller that must wait. `retryAfter` is in seconds, at least 1. */
export class TooMany extends Failure {
  readonly retryAfter: number;
  readonly limit: LimitState | undefined;

  constructor(message: string, { retryAfter, limit }: { retryAfter: number; limit?: LimitState }) {
    super('too_many_requests', message);
    this.retryAfter = Math.max(1, Math.ceil(retryAfter));
    this.limit = limit;
  }
}

/** Header fields that tell a caller how much is left, before it is refused anything. None without a limit. */
export function limitFields(limit: LimitState | undefined): Fields {
  if (limit === undefined) return {};
  const { name, quota, window, remaining, resetsIn } = limit;
  return {
    'RateLimit-Policy': `"${name}";q=${quota}${window === undefined ? '' : `;w=${window}`}`,
    RateLimit: `"${name}";r=${remaining};t=${resetsIn}`,
  };
}

/** Header fields of a refusal (RFC 6585 §4, RFC 9110 §10.2.3). */
export function waitFields({ retryAfter, limit }: TooMany): Fields {
  return { 'Retry-After': String(retryAfter), ...limitFields(limit) };
}
