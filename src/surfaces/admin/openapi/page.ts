/** The same as a page to read: no script, and nothing from another host. Pure. */
import type { AdminRoute } from '../shared/route.ts';
import { readable } from './document.ts';

/** `base`: the path of the public address. */
export function referencePage(routes: readonly AdminRoute[], base: string): string {
  const byTag = Map.groupBy(routes, ({ tag }) => tag);
  const sections = [...byTag].map(
    ([tag, ofTag]) =>
      `<section><h2 id="${escaped(tag)}">${escaped(tag)}</h2>${ofTag.map(entryOf).join('')}</section>`,
  );
  const links = [...byTag.keys()].map((tag) => `<li><a href="#${escaped(tag)}">${escaped(tag)}</a></li>`);
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Daypass admin API</title><link rel="stylesheet" href="${escaped(base)}/assets/style.css"></head>`,
    '<body><main><h1>Daypass admin API</h1>',
    `<p>The same for programs: <a href="${escaped(base)}/admin/v1/openapi.json">openapi.json</a></p>`,
    `<nav><ul>${links.join('')}</ul></nav>${sections.join('')}</main></body></html>`,
  ].join('');
}

function entryOf({
  method,
  path,
  summary,
  permissions,
  isConditional,
  example,
  answers,
}: AdminRoute): string {
  const rights = permissions.map((name) => `<code>daypass:${name}</code>`).join(' or ');
  const answered = Object.entries(answers).map(
    ([status, { description }]) => `<li><code>${status}</code> ${escaped(description)}</li>`,
  );
  return [
    `<article><h3><code>${method} ${escaped(readable(path))}</code></h3><p>${escaped(summary)}</p>`,
    `<p>Needs ${rights}${isConditional ? ', and <code>If-Match</code>' : ''}.</p>`,
    example === undefined ? '' : `<pre><code>${escaped(JSON.stringify(example, null, 2))}</code></pre>`,
    `<ul>${answered.join('')}</ul></article>`,
  ].join('');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
