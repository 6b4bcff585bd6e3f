/** The library's payloads as text at rest, and back. */
import type { AdapterPayload } from 'oidc-provider';
import { sha256 } from '../../base/hash.ts';
import { createSealer, type Sealer } from '../../keys/seal.ts';
import { decodeToken, encodeToken } from '../../tokens/record.ts';
import { type RecordType, tokenModels } from './record-types.ts';

/** The stored text: without the identifier, which is a credential, and without what the key says. */
export function encodeRecord(
  name: string,
  recordType: RecordType,
  id: string,
  payload: AdapterPayload,
): string {
  if (tokenModels.has(name)) return encodeToken(tokenFields(payload));
  const { jti, userCode, consumed, ...fields } = payload;
  const text = JSON.stringify(fields);
  return recordType.sealed ? sealerFor(id).seal(text, recordType.kind) : text;
}

/** The payload with its identifier; `undefined` when the record is not one of this model. */
export function decodeRecord(
  name: string,
  recordType: RecordType,
  id: string,
  value: string,
): AdapterPayload | undefined {
  const text = recordType.sealed ? sealerFor(id).open(value, recordType.kind) : value;
  const fields = tokenModels.has(name) ? asPayload(decodeToken(text)) : asPayload(JSON.parse(text));
  if (fields === undefined || (tokenModels.has(name) && fields.kind !== name)) return undefined;
  return { ...fields, jti: id };
}

/** A JWT is stored under its value, not under its `jti` (see internals.ts). */
export function signedValueOf(payload: AdapterPayload): string | undefined {
  return 'jwt' in payload && typeof payload['jwt'] === 'string' ? payload['jwt'] : undefined;
}

function tokenFields(payload: AdapterPayload): Record<string, unknown> {
  const { jti, expiresWithSession, consumed, jwt, ...fields } = { jwt: undefined, ...payload };
  return fields;
}

/** Only the library writes and reads these members; only their presence is checked. */
function asPayload(fields: unknown): AdapterPayload | undefined {
  return typeof fields === 'object' && fields !== null ? (fields as AdapterPayload) : undefined;
}

/** The key is derived from the identifier itself, of which the store has only the hash. */
function sealerFor(id: string): Sealer {
  return createSealer(Buffer.from(sha256(`seal:${id}`), 'base64url'));
}
