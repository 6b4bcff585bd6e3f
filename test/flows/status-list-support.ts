/** A resource server that knows the specification alone: it fetches a list, verifies it and looks at one bit. */
import { inflateSync } from 'node:zlib';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';

type Claim = { readonly status_list: { readonly idx: number; readonly uri: string } };

export function placeIn(token: string): Claim['status_list'] {
  return (decodeJwt(token)['status'] as Claim).status_list;
}

/** `from`: where the server listens, when its public address is another one. `now`: the reader's clock. */
export type Reading = {
  readonly from?: { readonly url: string; readonly publicUrl: string };
  readonly now?: Date;
};

export async function fetchList(uri: string, { from }: Reading = {}): Promise<Response> {
  return fetch(from === undefined ? uri : uri.replace(from.publicUrl, from.url), {
    headers: { accept: 'application/statuslist+jwt' },
  });
}

/** 0 valid, 1 invalid. */
export async function statusOf(token: string, reading: Reading = {}): Promise<number> {
  const { idx, uri } = placeIn(token);
  const response = await fetchList(uri, reading);
  if (response.status !== 200) throw new Error(`the list was answered with ${response.status}`);
  const issuer = uri.replace(/\/status-lists\/.*$/, '');
  const certs = `${issuer}/protocol/openid-connect/certs`;
  const { from } = reading;
  const keys = await fetch(from === undefined ? certs : certs.replace(from.publicUrl, from.url));
  const { payload } = await jwtVerify(await response.text(), createLocalJWKSet(await keys.json()), {
    typ: 'statuslist+jwt',
    algorithms: ['ES256'],
    subject: uri,
    issuer,
    requiredClaims: ['iat', 'exp', 'ttl'],
    ...(reading.now === undefined ? {} : { currentDate: reading.now }),
  });
  const { bits, lst } = payload['status_list'] as { bits: number; lst: string };
  const bytes = inflateSync(Buffer.from(lst, 'base64url'));
  const perByte = 8 / bits;
  return ((bytes[Math.floor(idx / perByte)] ?? Number.NaN) >> (bits * (idx % perByte))) & (2 ** bits - 1);
}
