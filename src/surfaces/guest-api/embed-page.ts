/**
 * The page behind a one-use opener. Loading it spends nothing, so that link scanners and previews do no harm; its
 * script makes a key that cannot leave the browser, and redeems the opener with a proof of it (RFC 9449).
 *
 * Who embeds the page gets the token by `postMessage`, if its origin is one that the token is bound to:
 * `{ type: 'daypass:token', token, expires_in }`. The token is worth nothing without the key, so the same window is
 * asked for proofs: `{ type: 'daypass:proof', id, htm, htu }` is answered with `{ type: 'daypass:proof', id, proof }`.
 */
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const script = readFileSync(new URL('embed.js', import.meta.url), 'utf8');

/** The Content-Security-Policy of the page; only these origins may put it into a frame. */
export function embedPolicy(origins: readonly string[]): string {
  const ancestors = origins.length === 0 ? "'none'" : origins.join(' ');
  return [
    "default-src 'none'",
    `script-src 'sha256-${hash('sha256', script, 'base64')}'`,
    "connect-src 'self'",
    `frame-ancestors ${ancestors}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
}

export function embedPage(origins: readonly string[]): string {
  // Origins hold no character that could end the element; `<` is escaped all the same.
  const list = JSON.stringify(origins).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="robots" content="noindex"><title>Opening…</title></head>
<body>
<p id="status" role="status">Opening…</p>
<noscript><p>This page needs JavaScript to make a key for this browser.</p></noscript>
<script type="application/json" id="origins">${list}</script>
<script type="module">${script}</script>
</body>
</html>
`;
}
