/**
 * What is wrong with a redirect URI: RFC 9700 §2.1 and §4.1.3 (exact, no wildcard, `http` only on this machine),
 * RFC 6749 §3.1.2 (no fragment), RFC 8252 §7.1 (private schemes of native clients).
 */
export function problemOfRedirectUri(uri: string, isNative: boolean): string | undefined {
  const url = URL.parse(uri);
  if (url === null) return 'must be an absolute address';
  if (uri.includes('#')) return 'must have no fragment';
  if (uri.includes('*')) return 'must be exact; there are no wildcards';
  if (url.username !== '' || url.password !== '') return 'must hold no user name or password';
  return problemOfScheme(url, isNative);
}

/** What is wrong with a web origin (RFC 6454 §6.2) that may call from a browser. */
export function problemOfOrigin(origin: string): string | undefined {
  const url = URL.parse(origin);
  if (url === null || !/^https?:$/.test(url.protocol) || url.origin !== origin) {
    return 'must be an origin such as https://app.example.com';
  }
  return problemOfScheme(url, false);
}

/** True for a host name of this machine only (RFC 8252 §7.3; `localhost` by RFC 6761 §6.3). */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function problemOfScheme({ protocol, hostname }: URL, isNative: boolean): string | undefined {
  if (protocol === 'https:') return undefined;
  if (protocol === 'http:') return isLoopbackHost(hostname) ? undefined : 'http is only for loopback';
  if (!isNative) return 'must be https, or http on loopback (private schemes: applicationType: native)';
  // A private scheme must contain a dot, which also refuses javascript:, data: and the like.
  return protocol.includes('.')
    ? undefined
    : 'a private scheme is a reversed domain name, as com.example.app';
}
