/**
 * Client certificates as a TLS-terminating proxy hands them over (RFC 9440). The header only gets here from trusted
 * proxies: everybody else's is removed at the door.
 */
import { X509Certificate } from 'node:crypto';
import type { KoaContextWithOIDC } from 'oidc-provider';

/** `Client-Cert` is a structured-field byte sequence, `:base64 DER:`; PEM, raw or percent-encoded, is taken too. */
export function certificateReader(header: string) {
  return function certificateOf(ctx: KoaContextWithOIDC): string | undefined {
    const value = ctx.get(header).trim();
    return value === '' ? undefined : toPem(value);
  };
}

function toPem(value: string): string | undefined {
  try {
    const sequence = /^:([A-Za-z0-9+/=]+):$/.exec(value)?.[1];
    if (sequence !== undefined) return new X509Certificate(Buffer.from(sequence, 'base64')).toString();
    return new X509Certificate(value.includes('%') ? decodeURIComponent(value) : value).toString();
  } catch {
    // Not a certificate: as good as none, and the client is refused.
    return undefined;
  }
}

type SubjectProperty =
  | 'tls_client_auth_subject_dn'
  | 'tls_client_auth_san_dns'
  | 'tls_client_auth_san_uri'
  | 'tls_client_auth_san_ip'
  | 'tls_client_auth_san_email';

const alternativeNames: Readonly<Record<string, string>> = {
  tls_client_auth_san_dns: 'DNS',
  tls_client_auth_san_uri: 'URI',
  tls_client_auth_san_ip: 'IP Address',
  tls_client_auth_san_email: 'email',
};

/** RFC 8705 §2.1.2: the registered subject, compared exactly. */
export function subjectMatcher(certificateOf: (ctx: KoaContextWithOIDC) => string | undefined) {
  return function certificateSubjectMatches(
    ctx: KoaContextWithOIDC,
    property: string,
    expected: string,
  ): boolean {
    const pem = certificateOf(ctx);
    if (pem === undefined) return false;
    const certificate = new X509Certificate(pem);
    if (property === ('tls_client_auth_subject_dn' satisfies SubjectProperty)) {
      return distinguishedName(certificate.subject) === expected;
    }
    const type = alternativeNames[property];
    const names = certificate.subjectAltName?.split(', ') ?? [];
    return type !== undefined && names.includes(`${type}:${expected}`);
  };
}

/** RFC 4514 writes the last part first; Node gives one part a line, first to last. */
function distinguishedName(subject: string): string {
  return subject.split('\n').reverse().join(',');
}
