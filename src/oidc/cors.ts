/** Which web origins may call from a browser: the client's own, never whoever asks (RFC 9700 §2.6). */
import type { KoaContextWithOIDC, Client as LibraryClient } from 'oidc-provider';
import type { Client } from '../registry/model.ts';

const loopbackHosts: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Registered origins of a client; without any, those of its redirect URIs. */
export function originsOf(client: Client): readonly string[] {
  if (client.cors !== undefined) return client.cors;
  const registered = client.registered?.['redirect_uris'];
  const uris: readonly unknown[] = Array.isArray(registered) ? registered : client.redirectUris;
  const origins = uris.map((uri) => (typeof uri === 'string' ? URL.parse(uri)?.origin : undefined));
  return [...new Set(origins.filter((origin) => origin !== undefined))].filter((origin) => origin !== 'null');
}

export function allowsOrigin(_ctx: KoaContextWithOIDC, origin: string, client: LibraryClient): boolean {
  const registered: unknown = client['cors_origins'];
  if (!Array.isArray(registered)) return false;
  return registered.some((allowed) => matches(allowed, origin, client.applicationType === 'native'));
}

/** Exact, but for the port of a native client's loopback origin (RFC 8252 §7.3). */
function matches(allowed: unknown, origin: string, isNative: boolean): boolean {
  if (allowed === origin) return true;
  if (!isNative || typeof allowed !== 'string') return false;
  const [a, b] = [URL.parse(allowed), URL.parse(origin)];
  return (
    a !== null &&
    b !== null &&
    b.origin === origin &&
    a.protocol === 'http:' &&
    b.protocol === 'http:' &&
    a.hostname === b.hostname &&
    loopbackHosts.has(a.hostname)
  );
}
