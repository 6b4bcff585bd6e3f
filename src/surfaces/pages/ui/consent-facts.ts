/** What a consent page says about a request, worked out from what the client asked for (OWASP ASVS 10.7.2). */
import { Failure } from '../../../base/errors.ts';
import type { Texts } from './texts.ts';

/** A scope of OpenID Connect, or a permission with the description its API gives it. */
export type ScopeAsked = { readonly name: string; readonly description?: string | undefined };

/** One member of `authorization_details` (RFC 9396 §2). */
export type AuthorizationDetail = { readonly type: string; readonly [member: string]: unknown };

export type Fact = { readonly name: string; readonly value: string };
export type DescribedDetail = { readonly type: string; readonly facts: readonly Fact[] };

/** Deeper than anything a person would read. */
const MAX_DEPTH = 8;

/** One sentence per scope: ours for OpenID Connect's own, else the API's description, else the bare name. */
export function scopeSentences(scopes: readonly ScopeAsked[], texts: Texts): readonly string[] {
  return scopes.map(({ name, description }) => texts.ofScope(name) ?? (description || name));
}

/**
 * Every member and value of each detail, flattened to `path → value`; nothing is shortened, because nobody can
 * agree to what is not shown. `Failure('invalid_input')` when one is nested too deeply to be shown.
 */
export function describeDetails(details: readonly AuthorizationDetail[]): readonly DescribedDetail[] {
  return details.map(({ type, ...members }) => ({ type, facts: flatten(members, []) }));
}

/** Where the browser goes afterwards: a host, this device or an app (RFC 8252 §7). Nothing for what is no address. */
export function describeReturn(redirectUri: string, texts: Texts): string | undefined {
  const url = URL.parse(redirectUri);
  if (url === null) return undefined;
  if (!isWeb(url)) return texts.say('consent.returns.app', { scheme: url.protocol.slice(0, -1) });
  const isHere = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  return isHere ? texts.say('consent.returns.device', { host: url.host }) : url.host;
}

/** The address if it is one of the web, so that no link or image of a client can be anything else. */
export function webAddress(address: string | undefined): string | undefined {
  const url = address === undefined ? null : URL.parse(address);
  return url !== null && isWeb(url) ? url.href : undefined;
}

function isWeb({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'http:';
}

function flatten(value: unknown, path: readonly string[]): readonly Fact[] {
  if (path.length > MAX_DEPTH) {
    throw new Failure('invalid_input', 'authorization_details are nested too deeply to be shown');
  }
  if (Array.isArray(value) && !value.some(isNested)) {
    return [{ name: path.join(' › '), value: value.join(', ') || '–' }];
  }
  if (isNested(value)) {
    return Object.entries(value).flatMap(([name, member]) => flatten(member, [...path, labelOf(name)]));
  }
  return [{ name: path.join(' › '), value: String(value) }];
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** `instructed_amount` reads as "instructed amount"; positions in a list count from one. */
function labelOf(name: string): string {
  return /^\d+$/.test(name) ? String(Number(name) + 1) : name.replaceAll('_', ' ');
}
