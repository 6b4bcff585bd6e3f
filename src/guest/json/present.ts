/** Guest tokens as JSON shows them. A value appears only where it was just minted. */

import { isoTime } from '../../base/clock.ts';
import type { Usage } from '../introspection/usage.ts';
import type { Minted } from '../issue/mint.ts';
import type { FoundGuest } from '../lookup/lookup.ts';
import { confirmationOf, type GuestRecord } from '../record/guest-record.ts';
import { limitsOffline } from '../record/guest-values.ts';
import { rowOriginsOf, toDetails } from '../record/rar.ts';

const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** `link`: the public link of the token. `now`: seconds since the epoch, because an answer may be repeated later. */
type Shown = { readonly issuer: string; readonly now: number; readonly link?: string | undefined };

/** A dry run has no token, and no links. */
export function presentMinted({ record, value, refresh }: Minted, { issuer, now, link }: Shown): object {
  const isSigned = record.granted.format === 'jwt' || record.granted.format === 'jwe';
  return {
    ...(value === undefined ? { dry_run: true } : { id: record.id, token: value }),
    token_type: record.jkt === undefined ? 'Bearer' : 'DPoP',
    issued_token_type: isSigned ? JWT : ACCESS_TOKEN,
    expires_in: record.exp === null ? null : Math.max(0, record.exp - Math.max(now, record.iat)),
    expires_at: timeOf(record.exp),
    ...(refresh === undefined ? {} : { refresh_token: refresh.value, refresh_expires_in: refresh.expiresIn }),
    scope: record.scope,
    authorization_details: toDetails(record.granted),
    effective: { resources: record.granted.resources.length, narrowed: record.narrowed },
    warnings: limitsOffline(record),
    ...(value === undefined ? {} : { _links: { ...linksOf(issuer, record), ...viewLink(link) } }),
  };
}

export function presentFound(
  { record, state }: Pick<FoundGuest, 'record' | 'state'>,
  issuer: string,
): object {
  const { granted } = record;
  const { subject, format, purpose, label, metadata } = granted;
  return {
    id: record.id,
    state,
    client: record.clientId,
    subject,
    sub: record.sub,
    audience: record.audiences,
    scope: record.scope,
    format,
    purpose,
    ...(label === undefined ? {} : { label }),
    ...(metadata === undefined ? {} : { metadata }),
    issued_at: timeOf(record.iat),
    not_before: timeOf(record.notBefore ?? record.iat),
    expires_at: timeOf(record.exp),
    authorization_details: toDetails(granted),
    ...rowOriginsOf(record, granted.resources),
    effective: { resources: granted.resources.length, narrowed: record.narrowed },
    policy_hash: record.policyHash,
    ...(record.act === undefined ? {} : { act: record.act }),
    ...confirmationOf(record),
    ...(record.parentId === undefined ? {} : { parent: record.parentId }),
    _links: linksOf(issuer, record),
  };
}

export function presentUsage(usage: Usage | undefined): object {
  const { usesLeft = null, useCount = null, lastUsedAt = null } = usage ?? {};
  return {
    uses_left: usesLeft,
    use_count: useCount,
    last_used_at: lastUsedAt === null ? null : new Date(lastUsedAt).toISOString(),
  };
}

/** An absolute address, because people get it. */
function viewLink(href: string | undefined): object {
  return href === undefined ? {} : { view: { href } };
}

/** From the root of the server, so that they resolve against the address of the answer (RFC 3986 §4.2). */
function linksOf(issuer: string, { id }: GuestRecord): object {
  const self = `${new URL(issuer).pathname}/guest-tokens/${id}`;
  return {
    self: { href: self },
    revoke: { href: self, method: 'DELETE' },
    events: { href: `${self}/events` },
  };
}

/** Seconds since the epoch as `2026-11-20T18:10:00Z`; never is `null`. */
export function timeOf(seconds: number | null): string | null {
  return seconds === null ? null : isoTime(seconds);
}
