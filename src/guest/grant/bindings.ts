/**
 * Where a guest token may be used from: web origins, networks, the key it must be shown with (RFC 9449), the certificate
 * it must be shown over (RFC 8705).
 */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { getDomain } from 'tldts';
import { z } from 'zod';
import { setOf } from './fields.ts';

const hostName = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/i;

const origin = z
  .string()
  .refine(isOrigin, { error: 'must be an origin such as https://app.example.com', abort: true })
  .refine((value) => !coversStrangers(value), 'must not be a wildcard below a public suffix such as co.uk');

/** A range in CIDR notation, a single address, or the name of a host. */
export const network = z
  .string()
  .max(253)
  .refine(
    (value) => rangeOf(value) !== undefined || hostName.test(value),
    'must be a CIDR range, address or host',
  );

export const binding = z.strictObject({
  origins: setOf(origin, 20).min(1).optional(),
  ip: setOf(network, 20).min(1).optional(),
  /** RFC 7638 thumbprint (SHA-256, base64url) of the DPoP key. */
  key: z
    .strictObject({ jkt: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be an RFC 7638 thumbprint') })
    .optional(),
  /** Thumbprint of the certificate of the connection that it must be shown over (RFC 8705 §3.1). */
  certificate: z
    .strictObject({
      'x5t#S256': z
        .string()
        .regex(/^[A-Za-z0-9_-]{43}$/, "must be the SHA-256 of the certificate's DER, as base64url"),
    })
    .optional(),
  /** Hash of the host's own session; only the resource server can check it. */
  browser_session: z
    .string()
    .regex(/^sha256:[A-Za-z0-9_=-]{43,64}$/, 'must be sha256: and the hash')
    .optional(),
});

export type Binding = z.infer<typeof binding>;

/** What the resource server saw of the request that brought the token. */
export type Presented = {
  /** The `Origin` header. */
  readonly origin?: string | undefined;
  readonly ip?: string | undefined;
  /** Thumbprint of the key of a verified DPoP proof. */
  readonly jkt?: string | undefined;
  /** Thumbprint of the certificate of the connection. */
  readonly 'x5t#S256'?: string | undefined;
  /** True for a proof whose time is wrong, and that has no nonce of the realm instead (RFC 9449 §8). */
  readonly isStale?: boolean | undefined;
  /** Addresses of the hosts that `hostsOf` names, looked up by the caller. */
  readonly addresses?: ReadonlyMap<string, readonly string[]> | undefined;
};

export type BindingFault =
  | 'origin_mismatch'
  | 'ip_mismatch'
  | 'certificate_mismatch'
  | 'key_mismatch'
  | 'use_dpop_nonce';

/**
 * Why the token does not count here, or `undefined`. A binding to origin or network without that fact is a mismatch;
 * a key without a proof, and a certificate that nobody presents, are left to the caller, who sees them as `cnf`.
 */
export function checkBinding(bound: Binding | undefined, presented: Presented): BindingFault | undefined {
  if (bound === undefined) return undefined;
  const { origins, ip, key, certificate } = bound;
  if (origins !== undefined && !allowsOrigin(origins, presented.origin)) return 'origin_mismatch';
  if (ip !== undefined && !allowsAddress(ip, presented)) return 'ip_mismatch';
  if (!isOverCertificate(certificate, presented)) return 'certificate_mismatch';
  return key === undefined ? undefined : keyFault(key.jkt, presented);
}

function isOverCertificate(bound: Binding['certificate'], presented: Presented): boolean {
  const thumbprint = presented['x5t#S256'];
  return bound === undefined || thumbprint === undefined || thumbprint === bound['x5t#S256'];
}

function keyFault(
  bound: string,
  { jkt, isStale }: Pick<Presented, 'jkt' | 'isStale'>,
): BindingFault | undefined {
  if (jkt === undefined) return undefined;
  if (jkt !== bound) return 'key_mismatch';
  return isStale === true ? 'use_dpop_nonce' : undefined;
}

/** The host names in a binding. The caller looks up their addresses. */
export function hostsOf(bound: Binding): string[] {
  return (bound.ip ?? []).filter((entry) => rangeOf(entry) === undefined);
}

/** True for the only origins without TLS that a realm can allow: `http://localhost`, with any port. */
export function isPlainOrigin(value: string): boolean {
  return value.startsWith('http:');
}

/** Whether each child entry lies in one of the parent's: origins by their wildcard. */
export function areOriginsWithin(child: readonly string[], parent: readonly string[]): boolean {
  return child.every((entry) => parent.includes(entry) || allowsOrigin(parent, entry));
}

/** Whether each child entry lies in one of the parent's: networks by their range, host names by their text. */
export function areNetworksWithin(child: readonly string[], parent: readonly string[]): boolean {
  return child.every((entry) => parent.some((outer) => outer === entry || isRangeWithin(entry, outer)));
}

function allowsOrigin(origins: readonly string[], given: string | undefined): boolean {
  if (given === undefined) return false;
  return origins.some((allowed) => {
    if (allowed === given) return true;
    const [scheme, suffix] = allowed.split('//*');
    if (scheme === undefined || suffix === undefined) return false;
    const prefix = `${scheme}//`;
    // One label, as in certificates (RFC 6125 §6.4.3): *.example.com is not a.b.example.com.
    const host = given.slice(prefix.length, -suffix.length);
    return given.startsWith(prefix) && given.endsWith(suffix) && /^[a-z0-9-]+$/.test(host);
  });
}

function allowsAddress(entries: readonly string[], { ip, addresses }: Presented): boolean {
  const presented = ip === undefined || ip.includes('/') ? undefined : rangeOf(ip);
  if (presented === undefined) return false;
  const concrete = entries.flatMap((entry) =>
    rangeOf(entry) === undefined ? (addresses?.get(entry) ?? []) : [entry],
  );
  return concrete.some((entry) => contains(rangeOf(entry), presented));
}

type Range = { readonly address: string; readonly prefix: number; readonly family: 'ipv4' | 'ipv6' };

function rangeOf(entry: string): Range | undefined {
  const [address = '', suffix, ...rest] = entry.split('/');
  if (rest.length > 0 || isIP(address) === 0 || address.includes('%')) return undefined;
  const family = familyOf(address);
  const bits = family === 'ipv4' ? 32 : 128;
  if (suffix === undefined) return { address, prefix: bits, family };
  const prefix = Number(suffix);
  return /^\d{1,3}$/.test(suffix) && prefix <= bits ? { address, prefix, family } : undefined;
}

/** An IPv4 address inside IPv6 notation is compared as the IPv4 address (RFC 4291 §2.5.5.2). */
function contains(outer: Range | undefined, inner: Range): boolean {
  if (outer === undefined) return false;
  const list = new BlockList();
  list.addSubnet(outer.address, outer.prefix, outer.family);
  return list.check(inner.address, inner.family);
}

function isRangeWithin(child: string, parent: string): boolean {
  const inner = rangeOf(child);
  const outer = rangeOf(parent);
  if (inner === undefined || outer === undefined || inner.family !== outer.family) return false;
  return inner.prefix >= outer.prefix && contains(outer, inner);
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4';
}

/**
 * Origins as browsers write them: `https`, with at most one `*`, which is the whole first label; `http` for localhost
 * only.
 */
function isOrigin(value: string): boolean {
  const concrete = value.replace('//*.', '//');
  const url = URL.parse(concrete);
  if (url === null || url.origin !== concrete || !hasPlausibleHost(url.hostname)) return false;
  if (concrete !== value) return url.protocol === 'https:' && /[^.]\.[a-z]/.test(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && url.hostname === 'localhost');
}

/**
 * True for a wildcard below a public suffix (publicsuffix.org: `*.com`, `*.co.uk`, `*.github.io`): anybody can
 * register a host there. The list is the one that the library was released with; nothing is fetched.
 */
function coversStrangers(value: string): boolean {
  if (!value.includes('//*.')) return false;
  const covered = URL.parse(value.replace('//*.', '//any-host-at-all.'))?.hostname ?? '';
  const owned = getDomain(covered, { allowPrivateDomains: true });
  return owned === null || owned === covered;
}

function hasPlausibleHost(host: string): boolean {
  return hostName.test(host) || isIP(host) !== 0 || (host.startsWith('[') && isIPv6(host.slice(1, -1)));
}
