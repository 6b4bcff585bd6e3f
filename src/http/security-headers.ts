/**
 * Response headers that tell a browser what an answer may do. Pure builders; what they build is set
 * before anything else runs (`lifecycle.ts`), so that inner code can still replace single headers.
 *
 * **`form-action` and redirects.** Chromium applies a page's `form-action` not only to where a form is posted but to
 * every redirect that follows, to the very end of the chain. A login posted to us and answered with redirects to the
 * client is therefore blocked unless the client's origin is a form target, and still blocked when the client's
 * callback goes on to another origin of its own, which nobody can know. So pages within a client's request
 * (`isClientFlow`) let a form end at any `https:` address, and at what `formTargets` names besides: a private scheme,
 * or for a loopback address every loopback port, because under development a callback goes on to another one. What a
 * form on these pages holds goes to us first in any case; injected markup, which is what the directive is against,
 * finds no way in (every value is escaped, and nothing else is loaded). All other pages say `'self'`.
 *
 * **Popups.** `Cross-Origin-Opener-Policy: same-origin` cuts a popup off from the page that opened it for good, also
 * after the popup has gone back to the client: a client that logs in by popup would wait for ever. So pages within a
 * client's request say `isClientFlow`, and only a person's own pages are cut off.
 */
import { createHash } from 'node:crypto';

export type ResponseHeaders = Readonly<Record<string, string>>;

export type PageSecurity = {
  /** Whether the public address is https. */
  readonly isHttps: boolean;
  /** True for a page that a client sends the browser to (login, consent, logout, errors), perhaps in a popup. */
  readonly isClientFlow?: boolean;
  /** Addresses of images on the page; those that are none are left out. */
  readonly images?: readonly (string | undefined)[];
  /** Addresses that a form's answer may redirect to. */
  readonly formTargets?: readonly string[];
  /**
   * The one script of a page that posts itself on (OAuth 2.0 Form Post Response Mode §2). Such a page has no
   * `form-action`: nobody types anything there, and the client's answer to the post may redirect anywhere.
   */
  readonly script?: string;
  /** Origins that may put the page into a frame, `*` for all. Absent: none. */
  readonly framedBy?: readonly string[];
};

const PERMISSIONS = [
  'accelerometer',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'usb',
];

/** For our own pages: no script but `script`, no foreign style, no caching, and no framing unless `framedBy` says so. */
export function pageHeaders(security: PageSecurity): ResponseHeaders {
  const images = [...new Set((security.images ?? []).map(imageSource))].filter(isPresent);
  const chain = security.isClientFlow === true ? ['https:'] : [];
  const targets = new Set([...chain, ...(security.formTargets ?? []).flatMap(formSources)]);
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    ["img-src 'self'", ...images].join(' '),
    security.script === undefined
      ? ["form-action 'self'", ...targets].join(' ')
      : `script-src 'sha256-${digestOf(security.script)}'`,
  ];
  return documentHeaders(security, policy);
}

/** CSP3 §2.3.1: a script counts by the hash of its text. */
function digestOf(script: string): string {
  return createHash('sha256').update(script).digest('base64');
}

/** For answers to programs. If a browser ever shows one, it can do nothing. */
export function apiHeaders({ isHttps }: Pick<PageSecurity, 'isHttps'>): ResponseHeaders {
  return {
    ...commonHeaders(isHttps),
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'X-Robots-Tag': 'none',
  };
}

/**
 * The header that lets these origins frame an answer. `X-Frame-Options` cannot name them, so it must be taken away;
 * Chromium heeds both on redirects too.
 */
export function framePolicy(framedBy: readonly string[]): string {
  return `default-src 'none'; frame-ancestors ${framedBy.join(' ')}`;
}

function documentHeaders(security: PageSecurity, policy: readonly string[]): ResponseHeaders {
  const { framedBy } = security;
  const everywhere = [`frame-ancestors ${framedBy?.join(' ') ?? "'none'"}`, "base-uri 'none'"];
  return {
    ...commonHeaders(security.isHttps),
    'Content-Security-Policy': [...policy, ...everywhere].join('; '),
    ...(framedBy === undefined ? { 'X-Frame-Options': 'DENY' } : {}),
    'Permissions-Policy': PERMISSIONS.map((feature) => `${feature}=()`).join(', '),
    'Cross-Origin-Opener-Policy': security.isClientFlow === true ? 'unsafe-none' : 'same-origin',
  };
}

function commonHeaders(isHttps: boolean): ResponseHeaders {
  return {
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    // No `includeSubDomains`: other hosts below this one are not ours to decide (RFC 6797 §11.4).
    ...(isHttps ? { 'Strict-Transport-Security': 'max-age=31536000' } : {}),
  };
}

function imageSource(address: string | undefined): string | undefined {
  const url = address === undefined ? null : URL.parse(address);
  return url === null ? undefined : originSource(url);
}

function formSources(address: string): readonly string[] {
  const url = URL.parse(address);
  if (url === null) return [];
  if (/^https?:$/.test(url.protocol))
    return isLoopback(url) ? LOOPBACK : [originSource(url)].filter(isPresent);
  // RFC 8252 §7.1: a private scheme is a reversed domain name. The dot keeps out javascript:, data: and the like.
  return url.protocol.includes('.') ? [url.protocol] : [];
}

const LOOPBACK = ['http://localhost:*', 'http://127.0.0.1:*'];

function isLoopback({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && (hostname === 'localhost' || hostname === '127.0.0.1');
}

/** A source expression (CSP3 §2.3.1). Host names may hold `;` and `,`, which would end the directive or the policy. */
function originSource({ protocol, hostname, origin }: URL): string | undefined {
  if (!/^https?:$/.test(protocol)) return undefined;
  // The grammar of CSP has no IPv6 addresses; the scheme is the narrowest source that fits.
  if (hostname.startsWith('[')) return protocol;
  return /^[a-z0-9._-]+$/.test(hostname) ? origin : undefined;
}

function isPresent(source: string | undefined): source is string {
  return source !== undefined;
}
