/** The same as a page to read: no script, and nothing from another host. Pure. */
import { z } from 'zod';
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
  const folder = `${escaped(base)}/admin/v1`;
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>Daypass admin API</title><link rel="stylesheet" href="${folder}/reference.css"></head>`,
    '<body><main><header><h1>Daypass admin API</h1><p class="soft">A call shows an access token for ',
    `<code>urn:daypass:admin</code>. For programs: <a href="${folder}/openapi.json">openapi.json</a></p></header>`,
    `<nav aria-label="Groups"><ul>${links.join('')}</ul></nav><div>${sections.join('')}</div></main></body></html>`,
  ].join('');
}

function entryOf(route: AdminRoute): string {
  const { method, path, summary, permissions, isConditional, answers } = route;
  const rights = permissions.map((name) => `<code>daypass:${name}</code>`).join(' or ');
  const answered = Object.entries(answers).map(
    ([status, { description, schema }]) =>
      `<p><code>${status}</code> ${escaped(description)}</p>${fieldsOf('Fields of the answer', schema, 'output')}`,
  );
  return [
    `<article id="${route.id}"><h3><code><span class="method">${method}</span> ${escaped(readable(path))}</code></h3>`,
    `<p>${marked(summary)}</p>`,
    `<p class="soft">Needs ${rights}${isConditional ? ', and <code>If-Match</code>' : ''}.</p>`,
    fieldsOf('Parameters', route.query, 'output'),
    fieldsOf('Fields of the body', route.patches ?? route.body, 'input'),
    exampleOf(route),
    ...answered,
    '</article>',
  ].join('');
}

function exampleOf({ example }: AdminRoute): string {
  return example === undefined ? '' : `<pre><code>${escaped(JSON.stringify(example, null, 2))}</code></pre>`;
}

type JsonSchema = { readonly [name: string]: unknown };

function fieldsOf(title: string, schema: z.ZodType | undefined, io: 'input' | 'output'): string {
  if (schema === undefined) return '';
  const rows = rowsOf(z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema, '');
  if (rows.length === 0) return '';
  const cells = rows.map(
    ([name, type]) => `<tr><td><code>${escaped(name)}</code></td><td>${escaped(type)}</td></tr>`,
  );
  return `<details><summary>${title}</summary><table>${cells.join('')}</table></details>`;
}

/** The members two levels deep: what lies below is in the document. */
function rowsOf(schema: JsonSchema, prefix: string): readonly (readonly [string, string])[] {
  return Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>).flatMap(
    ([name, field]) => {
      const isList = field['items'] !== undefined;
      const inner = (field['items'] ?? field) as JsonSchema;
      const below = prefix === '' ? rowsOf(inner, `${name}${isList ? '[]' : ''}.`) : [];
      return [[`${prefix}${name}`, typeOf(field)] as const, ...below];
    },
  );
}

function typeOf(field: JsonSchema): string {
  if (Array.isArray(field['enum'])) return field['enum'].join(' | ');
  if (Array.isArray(field['anyOf']))
    return field['anyOf'].map((one) => typeOf(one as JsonSchema)).join(' | ');
  if (field['const'] !== undefined) return String(field['const']);
  if (field['type'] === 'array') return `list of ${typeOf(field['items'] as JsonSchema)}`;
  return typeof field['type'] === 'string' ? field['type'] : 'any';
}

/** Backticks mean code. */
function marked(text: string): string {
  return escaped(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
