/**
 * Client certificates from a TLS-terminating proxy (RFC 9440). http/trusted-proxy.ts removes the header of everybody
 * but trusted proxies.
 */
import { createHash, X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { KoaContextWithOIDC } from 'oidc-provider';

/** `Client-Cert` is a structured-field byte sequence, `:base64 DER:`; PEM, raw or percent-encoded, is taken too. */
export function readCertificate(header: string | undefined): X509Certificate | undefined {
  const value = header?.trim() ?? '';
  if (value === '') return undefined;
  try {
    const sequence = /^:([A-Za-z0-9+/=]+):$/.exec(value)?.[1];
    if (sequence !== undefined) return new X509Certificate(Buffer.from(sequence, 'base64'));
    return new X509Certificate(value.includes('%') ? decodeURIComponent(value) : value);
  } catch {
    // Not a certificate counts as none, and the client is refused.
    return undefined;
  }
}

/** The names of the headers of a trusted proxy. */
export type CertificateHeaders = {
  readonly clientCertHeader: string;
  readonly clientCertVerifiedHeader?: string | undefined;
};

/** What nginx says in `$ssl_client_verify` of a certificate that a certification authority of its own has signed. */
const VERIFIED = 'SUCCESS';

/**
 * Whether the proxy says that it verified the chain (RFC 8705 §2.1). That it passed a certificate on says nothing: where
 * clients have self-signed ones, it passes on whatever a caller shows.
 */
export function isChainVerified(
  { clientCertVerifiedHeader: name }: CertificateHeaders,
  headers: IncomingHttpHeaders,
): boolean {
  return name !== undefined && headers[name] === VERIFIED;
}

/** The certificate of a request as PEM. */
export function certificateReader(header: string) {
  return function certificateOf(ctx: KoaContextWithOIDC): string | undefined {
    return readCertificate(ctx.get(header))?.toString();
  };
}

/** RFC 8705 §3.1. */
export function thumbprintOf(der: Buffer): string {
  return createHash('sha256').update(der).digest('base64url');
}

const alternativeNames: Readonly<Record<string, string>> = {
  tls_client_auth_san_dns: 'DNS',
  tls_client_auth_san_uri: 'URI',
  tls_client_auth_san_ip: 'IP Address',
  tls_client_auth_san_email: 'email',
};

/** RFC 8705 §2.1.2: the registered subject, compared exactly. */
export function hasSubject(certificate: X509Certificate, property: string, expected: string): boolean {
  if (property === 'tls_client_auth_subject_dn') return distinguishedName(certificate.subject) === expected;
  const type = alternativeNames[property];
  const names = certificate.subjectAltName?.split(', ') ?? [];
  return type !== undefined && names.includes(`${type}:${expected}`);
}

/** The library's hook for a request's certificate. */
export function subjectMatcher(header: string) {
  return function certificateSubjectMatches(
    ctx: KoaContextWithOIDC,
    property: string,
    expected: string,
  ): boolean {
    const certificate = readCertificate(ctx.get(header));
    return certificate !== undefined && hasSubject(certificate, property, expected);
  };
}

/** RFC 4514 writes the last part first; Node gives one part a line, first to last. */
function distinguishedName(subject: string): string {
  return subject.split('\n').reverse().join(',');
}
