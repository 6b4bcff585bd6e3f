/** Generated requests of clients that authenticate, right and wrong in every way that we know of. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { type JWTHeaderParameters, SignJWT } from 'jose';
import { certificate, otherCertificate } from '../support/certificates.ts';
import { basic } from '../support/http.ts';
import { assertionType, type ClientKey } from '../support/proofs.ts';

export const SECRET = 'a-secret-that-is-long-enough-to-sign-with';
export const PREVIOUS = 'the-secret-that-was-there-before-this-one';

export type Keys = Readonly<Record<'own' | 'rsa' | 'stranger', ClientKey>>;

/** Where requests are sent, and by whom. */
export type Place = {
  readonly keys: Keys;
  readonly ids: readonly string[];
  readonly issuer: string;
  readonly token: string;
  readonly introspection: string;
  readonly revocation: string;
};

/** One client of every kind, and of some that must be refused. */
export function clientsOf(keys: Keys, jwks: object, jwksUri: string) {
  const used = { introspects: ['analytics'] };
  const secret = { ...used, secret: SECRET };
  const byKey = { ...used, tokenEndpointAuthMethod: 'private_key_jwt' };
  const byCertificate = { ...used, tokenEndpointAuthMethod: 'tls_client_auth' };
  const selfSigned = { ...used, tokenEndpointAuthMethod: 'self_signed_tls_client_auth' };
  const certified = { keys: [{ ...keys.own.publicJwk, x5c: [certificate.base64] }] };
  return [
    { ...secret, id: 'basic' },
    { ...secret, id: 'post', tokenEndpointAuthMethod: 'client_secret_post' },
    { ...secret, id: 'rotated', previousSecret: PREVIOUS },
    { ...secret, id: 'long-rotated', previousSecret: PREVIOUS, previousSecretUntil: '2020-01-01T00:00:00Z' },
    { ...secret, id: 'disabled', enabled: false },
    { ...secret, id: 'with-keys', jwks },
    { ...used, id: 'unprintable', secret: 'ein-gehëimnis' },
    { ...secret, id: 'secret-jwt', tokenEndpointAuthMethod: 'client_secret_jwt' },
    { ...used, id: 'by-key-unnamed', jwks },
    { ...used, id: 'by-name-unnamed', tlsClientAuthSanDns: 'gateway.acme.test' },
    { ...byKey, id: 'by-key', jwks },
    { ...byKey, id: 'by-key-disabled', enabled: false, jwks },
    { ...byKey, id: 'one-alg', tokenEndpointAuthSigningAlg: 'ES256', jwks },
    { ...byKey, id: 'fapi', fapi: true, jwks },
    { ...byKey, id: 'by-uri', jwksUri },
    { ...byCertificate, id: 'by-subject', tlsClientAuthSubjectDn: certificate.subject },
    { ...byCertificate, id: 'by-name', tlsClientAuthSanDns: 'gateway.acme.test' },
    { ...byCertificate, id: 'by-other', tlsClientAuthSubjectDn: otherCertificate.subject },
    { ...selfSigned, id: 'self-signed', jwks: certified },
    { ...selfSigned, id: 'self-signed-other', jwks },
  ];
}

/** What is sent; an assertion is made anew for each of the two, because it is good once. */
export type Sent = {
  readonly authorization?: string | undefined;
  readonly certificate?: string | undefined;
  /** What the proxy says of the chain. */
  readonly verified?: string | undefined;
  readonly form: readonly (readonly [name: string, value: string])[];
  readonly assertion?: (() => Promise<string>) | undefined;
  readonly isAssertionTwice?: boolean | undefined;
};

const now = () => Math.floor(Date.now() / 1000);

/** What an assertion says beside or in place of what is right, which makes it wrong or does not. */
export const changes: readonly ((at: Place) => Readonly<Record<string, unknown>>)[] = [
  () => ({}),
  () => ({}),
  (at) => ({ aud: at.token }),
  (at) => ({ aud: at.revocation }),
  (at) => ({ aud: at.introspection }),
  (at) => ({ aud: ['https://elsewhere.test', at.issuer] }),
  () => ({ aud: ['https://elsewhere.test'] }),
  (at) => ({ aud: [at.issuer, 1] }),
  () => ({ aud: [] }),
  () => ({ aud: undefined }),
  () => ({ iss: 'by-uri' }),
  () => ({ iss: undefined }),
  () => ({ sub: 'by-uri' }),
  () => ({ sub: undefined }),
  () => ({ sub: 1 }),
  () => ({ exp: undefined }),
  () => ({ exp: now() - 5 }),
  () => ({ exp: now() - 60 }),
  () => ({ exp: now() + 60.5 }),
  () => ({ exp: String(now() + 60) }),
  () => ({ exp: 9_007_199_254_740_991 }),
  () => ({ nbf: now() + 5 }),
  () => ({ nbf: now() + 60 }),
  () => ({ nbf: 'soon' }),
  () => ({ iat: now() + 60 }),
  () => ({ iat: 'now' }),
  () => ({ jti: undefined }),
  () => ({ jti: '' }),
  () => ({ jti: 1 }),
  () => ({ tenant: 'blue' }),
];

export type Signer = {
  readonly key: 'own' | 'rsa' | 'stranger' | 'secret' | 'wrong-secret' | 'previous-secret';
  readonly header: Partial<JWTHeaderParameters>;
  /** Index of what it says (`changes`). */
  readonly change: number;
};

export function assertionOf(at: Place, id: string, { key, header, change }: Signer): () => Promise<string> {
  const { keys } = at;
  return () => {
    const claims = {
      iss: id,
      sub: id,
      aud: at.issuer,
      jti: randomUUID(),
      iat: now(),
      exp: now() + 60,
      ...changes[change]?.(at),
    };
    const signed = new SignJWT(claims as Record<string, unknown>);
    switch (key) {
      case 'secret':
      case 'wrong-secret':
      case 'previous-secret': {
        const secret = { secret: SECRET, 'wrong-secret': `${SECRET}-not`, 'previous-secret': PREVIOUS }[key];
        return signed.setProtectedHeader({ alg: 'HS256', ...header }).sign(Buffer.from(secret));
      }
      default:
        return signed.setProtectedHeader({ alg: keys[key].alg, ...header }).sign(keys[key].privateKey);
    }
  };
}

const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"sub":"by-key"}').toString('base64url')}.`;

const signer: fc.Arbitrary<Signer> = fc.record({
  key: fc.constantFrom('own', 'rsa', 'stranger', 'secret', 'wrong-secret', 'previous-secret'),
  header: fc.constantFrom({}, {}, {}, { kid: 'own' }, { kid: 'other' }, { typ: 'JWT' }),
  change: fc.nat(changes.length - 1),
});

const secret = fc.constantFrom(SECRET, SECRET, PREVIOUS, 'wrong-secret', 'gateway-secret', 'ein-gehëimnis');

function authorizationOf(id: string): fc.Arbitrary<string> {
  return fc.oneof(
    secret.map((text) => basic([id, text])),
    fc.constantFrom(
      '',
      'Basic',
      'Basic !!!',
      'Bearer abc',
      basic([id, '']),
      basic(['', SECRET]),
      basic([id, SECRET]).replace('Basic', 'bASIC'),
      basic([id, SECRET]).replace(' ', '  '),
      basic([id, SECRET]).replaceAll('=', ''),
      `${basic([id, SECRET])}=`,
      `Basic ${Buffer.from(`${id}:${SECRET}%`).toString('base64')}`,
      `Basic ${Buffer.from(id).toString('base64')}`,
      `Basic ${Buffer.from(`${id}:${SECRET}`).toString('base64url')}`,
    ),
  );
}

const rarely = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 1 });
const often = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 4 });

const assertion = (at: Place, id: string) =>
  fc.oneof(
    { weight: 6, arbitrary: signer.map((by) => assertionOf(at, id, by)) },
    { weight: 1, arbitrary: fc.constantFrom('', 'not-a-jwt', 'a.b.c', none).map((text) => async () => text) },
  );

const type = fc
  .constantFrom([assertionType], [assertionType], [assertionType], [assertionType], ['jwt'], [''], [])
  .map((values) => values.map((value) => ['client_assertion_type', value] as const));

const named = (id: string) =>
  fc
    .constantFrom([id], [id], [id], [], ['gateway'], [''], [id, id])
    .map((values) => values.map((value) => ['client_id', value] as const));

const posted = fc.oneof(
  { weight: 4, arbitrary: secret.map((text) => [text]) },
  { weight: 1, arbitrary: fc.constantFrom([''], [SECRET, SECRET]) },
);
const postedSecret = posted.map((values) => values.map((value) => ['client_secret', value] as const));

/** Mostly one way of authentication, sometimes several. */
export const requests = (at: Place): fc.Arbitrary<Sent> =>
  fc
    .tuple(
      fc.constantFrom(...at.ids),
      fc.constantFrom('header', 'form', 'assertion', 'certificate', 'anything'),
    )
    .chain(([id, way]) => {
      const isAny = way === 'anything';
      const part = <T>(name: string, arbitrary: fc.Arbitrary<T>) => {
        if (isAny) return often(arbitrary);
        return way === name ? arbitrary : fc.constant(undefined);
      };
      return fc
        .record({
          authorization: part('header', authorizationOf(id)),
          secrets: part('form', postedSecret),
          assertion: part('assertion', assertion(at, id)),
          isAssertionTwice: rarely(fc.constant(isAny)),
          types: part('assertion', type),
          certificate: part(
            'certificate',
            fc.constantFrom(
              certificate.header,
              certificate.header,
              encodeURIComponent(certificate.pem),
              otherCertificate.header,
              'garbage',
            ),
          ),
          verified: fc.constantFrom(
            'SUCCESS',
            'SUCCESS',
            'FAILED:self-signed certificate',
            'NONE',
            undefined,
          ),
          names: named(id),
        })
        .map(({ secrets = [], types = [], names, ...rest }) => ({
          ...rest,
          form: [...names, ...secrets, ...types],
        }));
    });
