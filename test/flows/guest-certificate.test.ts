/** Guests that are bound to a certificate (RFC 8705 §3): who shows one over another connection has nothing. */
import { createHash, X509Certificate } from 'node:crypto';
import { decodeJwt } from 'jose';
import { describe, expect, it } from 'vitest';
import { certificate, otherCertificate, trustLoopback } from '../support/certificates.ts';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import {
  call,
  detail,
  exchange,
  grant,
  guestRealm,
  introspect,
  mintGuest,
  ownToken,
  proof,
  proofKey,
  refreshGuest,
  session,
} from './guest-support.ts';

/** RFC 8705 §3.1, worked out from the header that the proxy sends. */
function thumbprintIn({ header }: { readonly header: string }): string {
  const { raw } = new X509Certificate(Buffer.from(header.replaceAll(':', ''), 'base64'));
  return createHash('sha256').update(raw).digest('base64url');
}

const x5t = thumbprintIn(certificate);
const otherX5t = thumbprintIn(otherCertificate);
const binding = { certificate: { 'x5t#S256': x5t } };
const over = ({ header }: { readonly header: string }) => ({ 'client-cert': header });

describe('a guest that is bound to a certificate', () => {
  const server = useServer({ realms: [guestRealm()], env: trustLoopback });
  const mintBound = async (more: Record<string, unknown> = {}) =>
    (await mintGuest(server, grant({ binding, ...more }))).json;

  it('tells its thumbprint at introspection, in lists and in detail', async () => {
    const { id, token, token_type } = await mintBound();

    const answer = (await introspect(server, token)).json;
    const shown = (await call(server, 'GET', `/guest-tokens/${id}`)).json;
    const list = (await call(server, 'GET', '/guest-tokens')).json.guest_tokens;

    const cnf = { 'x5t#S256': x5t };
    expect(answer).toMatchObject({ active: true, token_type: 'Bearer', cnf });
    expect(token_type).toBe('Bearer');
    expect(shown.cnf).toEqual(cnf);
    expect(list.find((one: { id: string }) => one.id === id).cnf).toEqual(cnf);
  });

  it('is inactive for a resource server that saw another certificate', async () => {
    const { token } = await mintBound({ lifetime: { ttl: 600, max_uses: 1 } });
    const ask = async (thumbprint: string) =>
      (await introspect(server, token, { 'x5t#S256': thumbprint })).json;

    const mismatch = { active: false, guest_reason: 'certificate_mismatch' };
    expect(await ask(otherX5t)).toEqual(mismatch);
    expect(await ask('')).toEqual(mismatch);
    // What is refused is no use.
    expect(await ask(x5t)).toMatchObject({ active: true });
  });

  it('says so in a JWT, for who verifies it offline', async () => {
    const { token } = await mintBound({ format: 'jwt' });

    expect(decodeJwt(token)['cnf']).toEqual({ 'x5t#S256': x5t });
  });

  it('can be bound to a key as well', async () => {
    const key = await proofKey();
    const both = { certificate: { 'x5t#S256': x5t }, key: { jkt: key.jkt } };
    const { token } = (await mintGuest(server, grant({ binding: both }))).json;

    expect((await introspect(server, token)).json.cnf).toEqual({ jkt: key.jkt, 'x5t#S256': x5t });
  });

  it('is exchanged only over that certificate, and the child is bound to it too', async () => {
    const { token: subject } = await mintBound();
    const attempt = (headers: Record<string, string>) =>
      exchange(server, { subject, details: [detail()], headers });

    const [none, other, right] = [
      await attempt({}),
      await attempt(over(otherCertificate)),
      await attempt(over(certificate)),
    ];

    expect([none.status, other.status, right.status]).toEqual([400, 400, 200]);
    expect((await introspect(server, right.json.access_token)).json.cnf).toEqual({ 'x5t#S256': x5t });
    const rebound = await exchange(server, {
      subject,
      details: [detail(), { type: 'embed_session', binding: { certificate: { 'x5t#S256': otherX5t } } }],
      headers: over(certificate),
    });
    expect([rebound.status, rebound.json.error]).toEqual([400, 'invalid_authorization_details']);
  });

  it('is bound by an exchange that asks for it', async () => {
    const details = [detail(), session({ binding })];
    const made = await exchange(server, { subject: await ownToken(server), details });

    expect((await introspect(server, made.json.access_token)).json.cnf).toEqual({ 'x5t#S256': x5t });
  });

  it('stays bound when it is refreshed, by the client or by its holder over the certificate', async () => {
    const key = await proofKey();
    const lifetime = { ttl: 600, refresh: { allowed: true } };
    const both = { certificate: { 'x5t#S256': x5t }, key: { jkt: key.jkt } };
    const first = (await mintGuest(server, grant({ binding: both, lifetime }))).json;
    const byHolder = async (headers: Record<string, string>) => {
      const dpop = await proof(key, { htm: 'POST', htu: server.endpoint('acme', 'token') });
      const form = { grant_type: 'refresh_token', refresh_token: first.refresh_token };
      return postForm(server.endpoint('acme', 'token'), form, { headers: { dpop, ...headers } });
    };

    expect((await byHolder({})).status).toBe(400);
    expect((await byHolder(over(otherCertificate))).status).toBe(400);
    const renewed = await byHolder(over(certificate));
    expect(renewed.status).toBe(200);
    const cnf = { jkt: key.jkt, 'x5t#S256': x5t };
    expect((await introspect(server, renewed.json.access_token)).json.cnf).toEqual(cnf);
    const again = await refreshGuest(server, renewed.json.refresh_token, {
      auth: ['portal', 'portal-secret'],
    });
    expect((await introspect(server, again.json.access_token)).json.cnf).toEqual(cnf);
  });

  it.each([
    ['is no thumbprint', { 'x5t#S256': 'x' }],
    ['is none at all', {}],
    ['has a member more', { 'x5t#S256': x5t, x5c: [] }],
  ])('is refused where the certificate %s', async (_what, given) => {
    const answer = await mintGuest(server, grant({ binding: { certificate: given } }));

    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.json.errors)).toContain('/binding/certificate');
  });
});
