/**
 * RFC 7662: what an introspection answer says of a token, and to whom. Pure: the record, its document and the caller
 * are the input.
 */
import type { TokenRecord } from './record.ts';

export type Introspection =
  | { readonly active: false }
  | ({ readonly active: true } & Record<string, unknown>);

export const INACTIVE: Introspection = { active: false };

/** The caller: the client, and the audiences of the APIs that it introspects. */
export type Caller = { readonly clientId: string; readonly audiences: ReadonlySet<string> };

/**
 * A caller may see a token if it introspects the token's audience, or if the token was issued to it. For everybody
 * else the token is indistinguishable from a random string (RFC 7662 §4).
 */
export function mayIntrospect(record: TokenRecord, caller: Caller): boolean {
  return (
    record.clientId === caller.clientId || (record.aud !== undefined && caller.audiences.has(record.aud))
  );
}

/** Whom a token is about: a user, or a client. */
export function subjectOf({ accountId, subject, clientId }: TokenRecord): string {
  return accountId ?? subject ?? clientId;
}

/** The members of RFC 7662 §2.2 for a live token. */
export function describeToken(
  record: TokenRecord,
  realm: { readonly name: string; readonly issuer: string },
): Introspection {
  return withoutUndefined({
    active: true,
    ...record.extra,
    realm: realm.name,
    iss: realm.issuer,
    sub: subjectOf(record),
    aud: record.aud,
    client_id: record.clientId,
    scope: record.scope ?? '',
    iat: record.iat,
    exp: record.exp,
    jti: record.jwtId,
    sid: record.sid,
    token_type: tokenType(record),
    cnf: confirmation(record),
    authorization_details: record.rar,
  });
}

function tokenType(record: TokenRecord): string {
  if (record.kind === 'RefreshToken') return 'Refresh';
  return record.jkt === undefined ? 'Bearer' : 'DPoP';
}

function confirmation(record: TokenRecord): Record<string, string> | undefined {
  if (record.jkt !== undefined) return { jkt: record.jkt };
  const thumbprint = record['x5t#S256'];
  return thumbprint === undefined ? undefined : { 'x5t#S256': thumbprint };
}

function withoutUndefined(fields: { active: true } & Record<string, unknown>): Introspection {
  const payload: { active: true } & Record<string, unknown> = { active: true };
  for (const name in fields) if (fields[name] !== undefined) payload[name] = fields[name];
  return payload;
}
