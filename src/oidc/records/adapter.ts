/**
 * oidc-provider's persistence on the store: identifiers are stored as SHA-256 only, single use is one atomic step,
 * and every record hangs under its revocation nodes.
 */

import { type Adapter, type AdapterPayload, errors, Provider } from 'oidc-provider';
import { Failure } from '../../base/errors.ts';
import { sha256 } from '../../base/hash.ts';
import { endGrant } from '../../revocation/nodes.ts';
import type { Document, Key, Write } from '../../storage/port/port.ts';
import type { UnitOfWork } from '../../storage/port/unit-of-work.ts';
import { BY_EXCHANGE } from '../../tokens/record.ts';
import { successorOf } from '../../tokens/values.ts';
import { refreshHashOf } from '../profiles/refresh-shape.ts';
import { createKeyedReferences } from './keyed-references.ts';
import { decodeRecord, encodeRecord, signedValueOf } from './record-codec.ts';
import { indexWrites, placementOf, sessionPointer, ttlOf } from './record-placement.ts';
import { type RecordType, recordTypes, tokenModels } from './record-types.ts';
import type { AdmitWrite } from './stranger-writes.ts';

/**
 * A second use within this time after the first is refused and revokes nothing: the tokens of the first must live.
 */
const RACE_WINDOW_US = 1_000_000;
/** A spent refresh token answers with the same successor for this long. */
export const REFRESH_GRACE_MS = 10_000;

export type AdapterDeps = {
  readonly realm: string;
  /** The realm's secret: names of low-entropy codes, handles and sealing are derived from it. */
  readonly secret: Buffer;
  /** The unit of work of the current request, or a new one outside of a request. */
  unit(): UnitOfWork;
  /** The `User-Agent` of the current request, shown to the person in the list of sessions. */
  agent(): string | undefined;
  findClientMetadata(id: string): Promise<AdapterPayload | undefined>;
  /** Called before something new is stored. */
  readonly admitWrite: AdmitWrite;
  registerClient(id: string, metadata: AdapterPayload): Promise<void>;
  removeClient(id: string): Promise<void>;
};

export function createAdapterFactory(deps: AdapterDeps): (name: string) => Adapter {
  return (name) => (name === 'Client' ? clientAdapter(deps) : recordAdapter(deps, name));
}

function clientAdapter(deps: AdapterDeps): Adapter {
  const unsupported = () => Promise.reject(new Error('clients have no such operation'));
  return {
    find: deps.findClientMetadata,
    async upsert(id, metadata) {
      await deps.admitWrite('Client');
      await deps.registerClient(id, metadata);
    },
    destroy: deps.removeClient,
    findByUid: unsupported,
    findByUserCode: unsupported,
    consume: unsupported,
    revokeByGrantId: unsupported,
  };
}

function recordAdapter(deps: AdapterDeps, name: string): Adapter {
  const record: RecordModel = {
    ...deps,
    name,
    recordType: recordTypeOf(name),
    handles: createKeyedReferences(deps.secret),
  };
  return {
    upsert: (id, payload, expiresIn) => upsert(record, id, payload, expiresIn),
    find: (id) => find(record, id),
    findByUserCode: (userCode) => findByUserCode(record, userCode),
    findByUid: (uid) => findByUid(record, uid),
    consume: (id) => consume(record, id),
    destroy: (id) => destroy(record, id),
    revokeByGrantId: (grantId) => revokeByGrantId(record, grantId),
  };
}

type RecordModel = AdapterDeps & {
  readonly name: string;
  readonly recordType: RecordType;
  readonly handles: ReturnType<typeof createKeyedReferences>;
};

function recordTypeOf(name: string): RecordType {
  const recordType = recordTypes[name];
  if (recordType === undefined) throw new Error(`no record type for ${name}`);
  return recordType;
}

function keyOf({ realm, secret, name, recordType, handles }: RecordModel, id: string): Key {
  const hash = name === 'RefreshToken' ? refreshHashOf(id, secret) : sha256(id);
  return { realm, kind: recordType.kind, id: handles.hashOf(id) ?? hash };
}

function userCodeKey({ realm, handles }: RecordModel, userCode: string): Key {
  return { realm, kind: 'user-code', id: handles.obscure(userCode) };
}

async function upsert(
  record: RecordModel,
  id: string,
  payload: AdapterPayload,
  expiresIn: number | undefined,
): Promise<void> {
  const { name, recordType } = record;
  await record.admitWrite(name);
  const key = keyOf(record, signedValueOf(payload) ?? id);
  const ttl = ttlOf(expiresIn, recordType);
  const stored = name === 'Session' ? { ...payload, agent: record.agent() } : payload;
  const writes: Write[] = [
    {
      put: key,
      value: encodeRecord(name, recordType, id, stored),
      ttl,
      ...placementOf(name, recordType, id, payload),
    },
    ...indexWrites(name, key, id, payload, ttl),
  ];
  const { userCode } = payload;
  if (typeof userCode === 'string') writes.push({ put: userCodeKey(record, userCode), value: key.id, ttl });
  await record.unit().write(writes, refusalOf(name));
}

async function find(record: RecordModel, id: string): Promise<AdapterPayload | undefined> {
  const { name, recordType } = record;
  if (tokenModels.has(name) && isAnsweredByUs()) return undefined;
  const document = await record.unit().read(keyOf(record, id));
  if (document === undefined || document.cut) return undefined;
  const payload = decodeRecord(name, recordType, id, document.value);
  if (payload === undefined) return undefined;
  if (isUsedUp(name, document) || (await isOutlived(record, document, id)))
    payload.consumed = Math.floor((document.spentAt ?? 0) / 1_000_000);
  if (Provider.ctx?.oidc.route === 'userinfo') adaptToUserinfo(name, payload);
  return payload;
}

/**
 * The library refuses any token with an audience at userinfo; ours accepts every token with `openid`. It also wants the
 * token to be of the grant's client: one by exchange is another client's, with no more than the grant has.
 */
function adaptToUserinfo(name: string, payload: AdapterPayload): void {
  if (name === 'AccessToken') delete payload.aud;
  const token = Provider.ctx?.oidc.entities.AccessToken;
  if (name === 'Grant' && token?.gty === BY_EXCHANGE) payload.clientId = token.clientId;
}

async function findByUserCode(record: RecordModel, userCode: string): Promise<AdapterPayload | undefined> {
  const found = await record.unit().read(userCodeKey(record, userCode));
  if (found === undefined) return undefined;
  const payload = await find(record, record.handles.handle(found.value));
  return payload && { ...payload, userCode };
}

async function findByUid(record: RecordModel, uid: string): Promise<AdapterPayload | undefined> {
  const found = await record.unit().read(sessionPointer(record.realm, uid));
  return found && find(record, record.handles.handle(found.value));
}

async function consume(record: RecordModel, id: string): Promise<void> {
  const key = keyOf(record, id);
  const step: Write =
    record.name === 'RefreshToken' ? { spend: key, graceMs: REFRESH_GRACE_MS } : { spend: key };
  await record.unit().write([step], () => alreadyUsed(record.name));
}

async function destroy(record: RecordModel, id: string): Promise<void> {
  const writes: Write[] = [{ remove: keyOf(record, id) }];
  if (record.name === 'Grant') writes.push(endGrant(record.realm, id));
  await record.unit().write(writes, () => new errors.InvalidGrant('the record is gone'));
}

/** The whole family dies with one write, at once, also when the request itself is refused. */
async function revokeByGrantId(record: RecordModel, grantId: string): Promise<void> {
  if (record.name !== 'AccessToken') return; // the library calls every model; one closed node covers them all
  await record.unit().now([endGrant(record.realm, grantId)]);
}

/** Introspection and revocation use one look-up of ours, so the library need not look. */
function isAnsweredByUs(): boolean {
  const route = Provider.ctx?.oidc.route;
  return route === 'introspection' || route === 'revocation';
}

function alreadyUsed(name: string): Error {
  return name === 'PushedAuthorizationRequest'
    ? new errors.InvalidRequest('request_uri is invalid, expired, or was already used')
    : new errors.InvalidGrant('already used');
}

/** Routes where a person is at the browser; an authorization response has codes of its own (OIDC Core §3.1.2.6). */
const browserRoutes: ReadonlySet<string> = new Set([
  'authorization',
  'resume',
  'code_verification',
  'device_resume',
  'end_session',
  'end_session_confirm',
]);

/** The error for a refused write. It is made now, because the unit may commit after the route is done. */
function refusalOf(name: string): () => Error {
  const route = Provider.ctx?.oidc.route;
  if (route !== undefined && browserRoutes.has(route)) {
    return () => new errors.LoginRequired('the session has ended', 'revoked meanwhile');
  }
  const isByPage = route === undefined && !tokenModels.has(name);
  return isByPage
    ? () => new Failure('not_found', 'this sign-in has expired')
    : () => new errors.InvalidGrant('the grant was revoked');
}

/**
 * Whether the successor of a spent refresh token was used: then the client has it, and whoever still shows the earlier
 * one is somebody else (RFC 9700 §4.14.2).
 */
async function isOutlived(record: RecordModel, document: Document, id: string): Promise<boolean> {
  if (record.name !== 'RefreshToken' || document.spentAt === undefined) return false;
  const successor = successorOf(refreshHashOf(id, record.secret), record.secret);
  return (await record.unit().read(keyOf(record, successor)))?.spentAt !== undefined;
}

/** Within the race window or the refresh grace a used record still looks unused; the atomic step decides. */
function isUsedUp(name: string, document: Document): boolean {
  if (document.spentAt === undefined) return false;
  if (name === 'PushedAuthorizationRequest') return true;
  const window = name === 'RefreshToken' ? REFRESH_GRACE_MS * 1000 : RACE_WINDOW_US;
  return document.now - document.spentAt >= window;
}
