/** A body that is compressed, or not of the type that an address takes: told as that, not as a parameter that is missing. */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { demoRealms } from '../facades/support.ts';
import { basic } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';

const server = useServer({ realms: [{ ...(await demoRealms()).acme, registration: { open: true } }] });

const FORM = 'application/x-www-form-urlencoded';
const token = '/protocol/openid-connect/token';
const asEngine = basic(['ds-engine', 'ds-engine-secret']);

async function send(path: string, body: string | Buffer, headers: Record<string, string>) {
  const answer = await fetch(`${server.issuer('acme')}${path}`, {
    method: 'POST',
    // Bytes have no type unless the headers name one.
    body: new Uint8Array(Buffer.from(body)),
    headers: { authorization: asEngine, ...headers },
  });
  return { status: answer.status, accepts: answer.headers.get('accept-encoding'), json: await answer.json() };
}

describe('a compressed body', () => {
  it.each([
    [token, FORM],
    ['/protocol/openid-connect/token/introspect', FORM],
    ['/protocol/openid-connect/revoke', FORM],
    ['/clients-registrations/openid-connect', 'application/json'],
    ['/guest-tokens', 'application/json'],
  ])('is 415 at %s, which names what is taken instead', async (path, type) => {
    const body = gzipSync('grant_type=client_credentials');

    const answer = await send(path, body, { 'content-type': type, 'content-encoding': 'gzip' });

    expect(answer).toMatchObject({ status: 415, accepts: 'identity' });
    expect(JSON.stringify(answer.json)).toContain('without content-encoding');
  });

  it.each([
    ['/api/v2/guest-token/create', { error: { code: 'INVALID_REQUEST_BODY' } }],
    ['/api/v1/token', { code: 'INVALID_REQUEST' }],
    ['/api/tokens', { statusCode: 415 }],
  ])('is 415 in the shape of the product at %s', async (path, shape) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'br' };

    expect(await send(path, '{}', headers)).toMatchObject({ status: 415, json: shape });
  });

  it('is none when it says that it is not encoded', async () => {
    const headers = { 'content-type': FORM, 'content-encoding': 'identity' };

    expect(await send(token, 'grant_type=client_credentials', headers)).toMatchObject({ status: 200 });
  });
});

describe('a body of another type', () => {
  it.each([
    ['no type', {}],
    ['JSON', { 'content-type': 'application/json' }],
  ])('is told by the type that is taken: %s', async (_, headers) => {
    expect(await send(token, 'grant_type=client_credentials', headers)).toMatchObject({
      status: 400,
      json: { error: 'invalid_request', error_description: `the body must be of the type ${FORM}` },
    });
  });
});
