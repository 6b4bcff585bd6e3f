/** Why an authorization request with this redirect URI is refused (RFC 6749 §3.1.2.3, RFC 8252 §7.3). */
import type { Client } from '../registry/model/model.ts';
import { isLoopbackHost } from '../registry/model/web-address.ts';
import { type Draft, ofClient, type Reason } from './answer.ts';

export function explainRedirect(client: Client, redirectUri: string): Draft {
  const reasons: Reason[] = [
    ...(client.enabled
      ? []
      : [
          {
            rule: 'client.disabled',
            detail: 'the client is disabled',
            ...ofClient(client.id, 'enabled'),
          },
        ]),
    ...(client.grants.includes('authorization_code')
      ? []
      : [
          {
            rule: 'grant.missing',
            detail: 'the client has no grant authorization_code',
            ...ofClient(client.id, 'grants'),
          },
        ]),
    ...(isRegistered(client, redirectUri)
      ? []
      : [
          {
            rule: 'redirect.unregistered',
            detail: differenceOf(client, redirectUri),
            ...ofClient(client.id, 'redirectUris'),
          },
        ]),
  ];
  return {
    verdict: reasons.length === 0 ? 'allowed' : 'refused',
    reasons,
    about: { client: client.id, redirectUri },
  };
}

/** Exact, but for the port of a native client's loopback address. */
function isRegistered({ redirectUris, applicationType }: Client, given: string): boolean {
  if (redirectUris.includes(given)) return true;
  if (applicationType !== 'native') return false;
  const wanted = withoutPort(given);
  return wanted !== undefined && redirectUris.some((uri) => withoutPort(uri) === wanted);
}

function withoutPort(uri: string): string | undefined {
  const url = URL.parse(uri);
  if (url === null || url.protocol !== 'http:' || !isLoopbackHost(url.hostname)) return undefined;
  url.port = '';
  return url.href;
}

const parts = ['protocol', 'hostname', 'port', 'pathname', 'search'] as const;

/** The registered address that is nearest, and in what it differs. */
function differenceOf({ redirectUris }: Client, given: string): string {
  const url = URL.parse(given);
  if (url === null) return 'it is no absolute address';
  const nearest = redirectUris
    .flatMap((uri) => {
      const registered = URL.parse(uri);
      if (registered === null) return [];
      return [{ uri, differs: parts.filter((part) => registered[part] !== url[part]) }];
    })
    .toSorted((a, b) => a.differs.length - b.differs.length)[0];
  if (nearest === undefined) return 'the client has no redirect URI';
  const what = nearest.differs.length === 0 ? 'in how it is written' : `in ${nearest.differs.join(', ')}`;
  return `it is not registered; the nearest one, ${nearest.uri}, differs ${what}, and redirect URIs are compared exactly`;
}
