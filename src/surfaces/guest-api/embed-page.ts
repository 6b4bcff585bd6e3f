/**
 * The page behind a one-use opener. Loading it spends nothing, so that link scanners and previews do no harm. In a
 * frame, or in a window that a page opened, its script makes a key that cannot leave the browser, redeems the opener
 * with a proof of it (RFC 9449), and refreshes the token before it ends. By itself in a tab it spends nothing either.
 *
 * It talks to the page around it by `postMessage`, with origins that the token is bound to and no others. The messages
 * are in docs/guest-tokens.md, "One-use openers".
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type EmbedLocale, type EmbedState, embedTexts } from './embed-texts.ts';

const script = readFileSync(new URL('embed.js', import.meta.url), 'utf8');
const style = readFileSync(new URL('embed.css', import.meta.url), 'utf8');

const sourceOf = (text: string): string => `'sha256-${hash('sha256', text, 'base64')}'`;

/** The Content-Security-Policy of the page; only these origins may put it into a frame. */
export function embedPolicy(origins: readonly string[]): string {
  const ancestors = origins.length === 0 ? "'none'" : origins.join(' ');
  return [
    "default-src 'none'",
    `script-src ${sourceOf(script)}`,
    `style-src ${sourceOf(style)}`,
    "connect-src 'self'",
    `frame-ancestors ${ancestors}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

export type EmbedPage = {
  /** The origins that may have the token. */
  readonly origins: readonly string[];
  /** `opening` for an opener that can be redeemed. */
  readonly state: Extract<EmbedState, 'opening' | 'spent' | 'expired' | 'waiting'>;
  readonly locale: EmbedLocale;
  /** The token endpoint, where the script refreshes the token. */
  readonly tokenAddress: string;
};

export function embedPage({ locale, ...page }: EmbedPage): string {
  const { noScript, ...texts } = embedTexts[locale];
  const { title, hint } = texts[page.state];
  return `<!doctype html>
<html lang="${locale}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>${title}</title><style>${style}</style></head>
<body>
<main role="status"><h1>${title}</h1><p>${hint}</p><noscript><p>${noScript}</p></noscript></main>
<script type="application/json" id="page">${asData({ ...page, texts })}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}

/** Origins and texts hold no character that could end the element; `<` is escaped all the same. */
function asData(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
