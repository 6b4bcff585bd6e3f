/** Enough of a User-Agent header (RFC 9110 §10.1.5) for a person to recognise a device; never for a decision. */
import type { Texts } from './texts.ts';

// The first match counts: most browsers also claim to be the ones below them.
const BROWSERS = [
  ['Edge', /\bEdg(e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Chrome|CriOS|Chromium|HeadlessChrome)\//],
  ['Safari', /\bVersion\/.*\bSafari\//],
] as const;

const SYSTEMS = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['macOS', /\bMac OS X\b/],
  ['Linux', /\bLinux\b/],
] as const;

/** `Firefox on Windows`, as far as it can be told. */
export function describeAgent(agent: string, texts: Texts): string {
  const browser = BROWSERS.find(([, pattern]) => pattern.test(agent))?.[0];
  const system = SYSTEMS.find(([, pattern]) => pattern.test(agent))?.[0];
  if (browser !== undefined && system !== undefined) return texts.say('agent.on', { browser, system });
  return browser ?? system ?? texts.say('agent.unknown');
}

export function isPhone(agent: string): boolean {
  return /\b(iPhone|Mobile)\b/.test(agent);
}
