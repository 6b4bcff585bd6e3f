/** Why a token is inactive, or what is left of it. */
import { epochSeconds } from '../base/clock.ts';
import { sha256 } from '../base/hash.ts';
import { nodesOfGuest } from '../guest/record/guest-nodes.ts';
import { storedGuest } from '../guest/record/guest-record.ts';
import { apisOf } from '../registry/model/built-in-api.ts';
import { parentNode } from '../revocation/guest-nodes.ts';
import { nodesOf, tokenKey } from '../revocation/nodes.ts';
import type { Document } from '../storage/port/port.ts';
import { withCurrentRights } from '../tokens/current-rights.ts';
import { decodeToken, type TokenRecord } from '../tokens/record.ts';
import { type Draft, ofClient, ofRealm, type Reason } from './answer.ts';
import { cutsOf } from './cuts.ts';
import type { ExplainDeps } from './deps.ts';

/** `reader`: a client that asked for the token at introspection. */
export async function explainToken(
  deps: ExplainDeps,
  value: string,
  reader: string | undefined,
): Promise<Draft> {
  const hash = sha256(value);
  const [document] = await deps.store.read([tokenKey(deps.realm.name, hash)]);
  if (document === undefined) return unknownToken(deps, value);
  const guest = storedGuest(document, hash);
  if (guest !== undefined) return explainGuest(deps, guest.record.id, document);
  const record = decodeToken(document.value);
  if (record === undefined) return unknownToken(deps, value);
  const fatal = [
    ...(await cutsOf(deps.store, deps.realm.name, { document, nodes: nodesAbove(record, hash) })),
    ...spentOf(document),
    ...expiredOf(record.exp, epochSeconds(deps.clock)),
    ...(await gone(deps, record)),
    ...(await unreadable(deps, record, reader)),
  ];
  const lost = lostOf(deps, record);
  return {
    verdict: verdictOf(fatal, lost),
    reasons: [...fatal, ...lost, ...boundOf(record)],
    about: {
      kind: kinds[record.kind],
      client: record.clientId,
      ...(record.accountId !== undefined && { user: record.accountId }),
      ...(record.aud !== undefined && { audience: record.aud }),
      ...(record.scope !== undefined && { scope: record.scope }),
      issuedAt: timeOf(record.iat),
      expiresAt: timeOf(record.exp),
    },
  };
}

const kinds = {
  AccessToken: 'access token of a user',
  ClientCredentials: 'access token of a service',
  RefreshToken: 'refresh token',
} as const satisfies Record<TokenRecord['kind'], string>;

function verdictOf(fatal: readonly Reason[], lost: readonly Reason[]): Draft['verdict'] {
  if (fatal.length > 0) return 'inactive';
  return lost.length > 0 ? 'narrowed' : 'active';
}

function nodesAbove(record: TokenRecord, hash: string): readonly string[] {
  return [...nodesOf(record), ...(record.under ?? []), parentNode(hash)];
}

/** A value that is in no record here. What a JWT says of itself helps, though nobody has verified it. */
function unknownToken({ realm, clock }: ExplainDeps, value: string): Draft {
  const claims = claimsOf(value);
  const issuer = typeof claims?.['iss'] === 'string' ? claims['iss'] : undefined;
  const exp = typeof claims?.['exp'] === 'number' ? claims['exp'] : undefined;
  const isForeign = issuer !== undefined && !issuer.endsWith(`/realms/${realm.name}`);
  const isOver = exp !== undefined && exp <= epochSeconds(clock);
  const reasons: Reason[] = [
    ...(isForeign ? [{ rule: 'token.foreign', detail: `it says that ${issuer} has issued it` }] : []),
    ...(isOver ? [{ rule: 'token.expired', detail: `it says that it ended at ${timeOf(exp)}` }] : []),
    {
      rule: 'token.unknown',
      detail:
        'this realm keeps no record of it: it was never issued here, was revoked by itself, or expired some time ago',
    },
  ];
  return { verdict: 'inactive', reasons, about: { kind: claims === undefined ? 'opaque value' : 'JWT' } };
}

const MAX_JWT = 16_384;

/** The claims of a JWT (RFC 7519), unverified. */
function claimsOf(value: string): Readonly<Record<string, unknown>> | undefined {
  const [, body, signature] = value.length > MAX_JWT ? [] : value.split('.');
  if (body === undefined || signature === undefined) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(body, 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? { ...claims } : undefined;
  } catch {
    // No JWT, though it has dots.
    return undefined;
  }
}

function spentOf({ spentAt }: Document): readonly Reason[] {
  if (spentAt === undefined) return [];
  const at = new Date(spentAt / 1000).toISOString();
  return [{ rule: 'token.spent', detail: `it was used at ${at}, and is good once` }];
}

function expiredOf(exp: number, now: number): readonly Reason[] {
  return exp > now ? [] : [{ rule: 'token.expired', detail: `it ended at ${timeOf(exp)}` }];
}

async function gone(
  { registry, realm }: ExplainDeps,
  { clientId, accountId }: TokenRecord,
): Promise<readonly Reason[]> {
  const client = await registry.readClient(realm.name, clientId);
  const user = accountId === undefined ? undefined : await registry.findUser(realm.name, accountId);
  return [
    ...(realm.enabled
      ? []
      : [{ rule: 'realm.disabled', detail: 'the realm is disabled', ...ofRealm('enabled') }]),
    ...(client?.enabled === false
      ? [
          {
            rule: 'client.disabled',
            detail: `the client ${clientId} is disabled`,
            ...ofClient(clientId, 'enabled'),
          },
        ]
      : []),
    ...(accountId !== undefined && user?.enabled !== true
      ? [{ rule: 'user.gone', detail: 'its user is disabled or removed' }]
      : []),
  ];
}

/** An introspection answers its own client and those that introspect the API (RFC 7662 §2.2). */
async function unreadable(
  { registry, realm }: ExplainDeps,
  record: TokenRecord,
  reader: string | undefined,
): Promise<readonly Reason[]> {
  if (reader === undefined || reader === record.clientId) return [];
  const client = await registry.readClient(realm.name, reader);
  const api = apisOf(realm).find(({ audience }) => audience === record.aud);
  if (api !== undefined && client?.introspects.includes(api.id) === true) return [];
  const name = api?.id ?? record.aud ?? 'its API';
  return [
    {
      rule: 'reader.not-entitled',
      detail: `the client ${reader} does not introspect ${name}, and is told that the token is inactive`,
      ...ofClient(reader, 'introspects'),
    },
  ];
}

const noOidc: ReadonlySet<string> = new Set([
  'openid',
  'profile',
  'email',
  'address',
  'phone',
  'offline_access',
]);

/** Scopes that were granted and that the roles, or the API, no longer give. */
function lostOf({ realm }: ExplainDeps, record: TokenRecord): readonly Reason[] {
  const left = new Set(withCurrentRights(record, realm, noOidc).scope?.split(' '));
  const lost = record.scope?.split(' ').filter((name) => name !== '' && !left.has(name)) ?? [];
  return lost.map((name) => ({
    rule: 'scope.lost',
    detail: `${name} was granted, and none of the roles gives it any more, or the API has no such permission`,
    ...ofRealm('roles'),
  }));
}

function boundOf({ jkt, 'x5t#S256': x5t }: TokenRecord): readonly Reason[] {
  return [
    ...(jkt === undefined
      ? []
      : [{ rule: 'token.bound', detail: 'it is bound to a key: each use needs a DPoP proof (RFC 9449)' }]),
    ...(x5t === undefined
      ? []
      : [{ rule: 'token.bound', detail: 'it is bound to a client certificate (RFC 8705 §3)' }]),
  ];
}

async function explainGuest(deps: ExplainDeps, id: string, document: Document): Promise<Draft> {
  const { guests, realm, store } = deps;
  const found = await guests.find(realm.name, id);
  if (found === undefined) return unknownToken(deps, '');
  const { record, state } = found;
  const [usage] = await guests.usages(realm.name, [found]);
  const cuts = await cutsOf(store, realm.name, { document, nodes: nodesOfGuest(record) });
  const fatal: Reason[] = [
    ...cuts,
    ...(state === 'revoked' && cuts.length === 0 ? [{ rule: 'revoked', detail: 'a cut above it' }] : []),
    ...expiredOf(record.exp ?? Number.POSITIVE_INFINITY, epochSeconds(deps.clock)),
    ...(state === 'not_yet_valid' ? [{ rule: 'guest.early', detail: 'its time has not come yet' }] : []),
    ...(usage?.usesLeft === 0
      ? [{ rule: 'guest.used-up', detail: 'its uses, or those of a token above it, are used up' }]
      : []),
  ];
  const narrowed: Reason[] = record.narrowed.map((part) => ({
    rule: 'guest.narrowed',
    detail: `when it was made, less was granted than asked for: ${JSON.stringify(part)}`,
    ...ofClient(record.clientId, 'mints'),
  }));
  return {
    verdict: verdictOf(fatal, narrowed),
    reasons: [...fatal, ...narrowed],
    about: {
      kind: 'guest token',
      id: record.id,
      client: record.clientId,
      tenant: record.granted.subject.tenant,
      issuedAt: timeOf(record.iat),
      expiresAt: record.exp === null ? null : timeOf(record.exp),
    },
  };
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
