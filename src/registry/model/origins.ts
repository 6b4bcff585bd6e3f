/**
 * Web origins that clients registered. The index is by origin, so that a preflight, which names no client, needs one
 * look-up however many clients a realm has.
 */
import type { Key, Write } from '../../storage/port/port.ts';
import type { Client } from './model.ts';
import { isLoopbackHost } from './web-address.ts';

/** Registered origins of a client; without any, those of its redirect URIs. */
export function originsOf(client: Pick<Client, 'cors' | 'redirectUris'>): readonly string[] {
  if (client.cors !== undefined) return client.cors;
  const origins = client.redirectUris.map((uri) => URL.parse(uri)?.origin);
  return [...new Set(origins.filter(isWebOrigin))];
}

/** Exact, but for the port of a native client's loopback origin (RFC 8252 §7.3). */
export function coversOrigin(registered: readonly string[], isNative: boolean, origin: string): boolean {
  const places = placesOf(origin);
  return registered.some((allowed) => places.includes(placeOf(allowed, isNative)));
}

/** The index of the clients of an origin. */
export function originIndex(realm: string, place: string): Key {
  return { realm, kind: 'origin', id: place };
}

/** The index key of an origin; none for what is no origin (`null`, a path, another scheme). */
export function placesOf(origin: string): readonly string[] {
  const url = URL.parse(origin);
  if (url === null || url.origin !== origin) return [];
  return isLoopback(url) ? [origin, anyPort(url)] : [origin];
}

/** The writes that keep the index right when a client is created, changed or removed. */
export function originWrites(
  realm: string,
  id: string,
  { before, after }: { before: Client | undefined; after: Client | undefined },
): readonly Write[] {
  const [old, now] = [placesOfClient(before), placesOfClient(after)];
  const left = [...old].filter((place) => !now.has(place));
  const came = [...now].filter((place) => !old.has(place));
  return [
    ...left.map((place): Write => ({ unindex: originIndex(realm, place), member: id })),
    ...came.map((place): Write => ({ index: originIndex(realm, place), member: id })),
  ];
}

function placesOfClient(client: Client | undefined): ReadonlySet<string> {
  if (client === undefined) return new Set();
  const isNative = client.applicationType === 'native';
  return new Set(originsOf(client).map((origin) => placeOf(origin, isNative)));
}

function placeOf(origin: string, isNative: boolean): string {
  const url = isNative ? URL.parse(origin) : null;
  return url !== null && isLoopback(url) ? anyPort(url) : origin;
}

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && isLoopbackHost(hostname);
}

function anyPort({ hostname }: URL): string {
  return `http://${hostname}:*`;
}

/** The origin of a private scheme is `null`, the same for every application. */
function isWebOrigin(origin: string | undefined): origin is string {
  return origin !== undefined && origin !== 'null';
}
