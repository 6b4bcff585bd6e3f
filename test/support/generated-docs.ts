/**
 * The parts of the documentation that are made from the code. `npm run docs` writes them; a test finds what is out of
 * date. A part stands between two comments that name it.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { client, realmSettings, user } from '../../src/registry/model/model.ts';
import { addressMap } from '../../src/surfaces/address-map.ts';
import { adminRoutes } from '../../src/surfaces/admin/admin.ts';

type Part = { readonly file: string; readonly name: string; make(): string };

export const parts: readonly Part[] = [
  { file: 'docs/addresses.md', name: 'addresses', make: addresses },
  { file: 'docs/admin-api.md', name: 'routes', make: routes },
  { file: 'docs/realms.md', name: 'realm', make: () => fields(realmSettings) },
  { file: 'docs/realms.md', name: 'client', make: () => fields(client) },
  { file: 'docs/realms.md', name: 'user', make: () => fields(user) },
];

/** The file as it should be. */
export function upToDate(file: string): string {
  return parts
    .filter((part) => part.file === file)
    .reduce((text, { name, make }) => {
      const [open, close] = [`<!-- made: ${name} -->`, `<!-- end: ${name} -->`];
      const [before, rest] = text.split(open);
      const after = rest?.split(close)[1];
      if (after === undefined) throw new Error(`${file} has no part ${name}`);
      return `${before}${open}\n\n${make()}\n\n${close}${after}`;
    }, read(file));
}

export function read(file: string): string {
  return readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
}

function addresses(): string {
  const rows = addressMap.map(({ methods, path, who, surface }) => [
    methods.join(', '),
    `\`${path}\``,
    who,
    surface,
  ]);
  return table(['methods', 'path', 'who', 'surface'], rows);
}

function routes(): string {
  const byTag = Map.groupBy(adminRoutes, ({ tag }) => tag);
  return [...byTag]
    .map(([tag, ofTag]) => {
      const rows = ofTag.map(({ method, path, permissions, isConditional, summary }) => [
        `\`${method} ${path.replace('/admin/v1', '').replaceAll(/:(\w+)/g, '{$1}')}\``,
        permissions.map((name) => `\`${name}\``).join(' or '),
        isConditional ? 'yes' : '',
        summary,
      ]);
      return `### ${tag}\n\n${table(['call', 'needs', 'If-Match', 'what it does'], rows)}`;
    })
    .join('\n\n');
}

type JsonSchema = { readonly [name: string]: unknown };

/** One row for each field, those of objects in it below it. */
function fields(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return table(['field', 'type', 'default', 'limits'], rowsOf(json, ''));
}

function rowsOf(schema: JsonSchema, prefix: string): string[][] {
  const required = new Set(schema['required'] as string[] | undefined);
  return Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>).flatMap(
    ([name, field]) => {
      const path = `${prefix}${name}`;
      const inner = (field['items'] ?? field) as JsonSchema;
      const isObject = Object.keys((inner['properties'] ?? {}) as object).length > 0;
      const below = isObject ? rowsOf(inner, field['items'] === undefined ? `${path}.` : `${path}[].`) : [];
      return [
        [`\`${path}\``, typeOf(field), defaultOf(field, required.has(name)), limitsOf(field)],
        ...below,
      ];
    },
  );
}

function typeOf(field: JsonSchema): string {
  if (Array.isArray(field['enum'])) return field['enum'].map((one) => `\`${one}\``).join(', ');
  if (Array.isArray(field['anyOf']))
    return field['anyOf'].map((one) => typeOf(one as JsonSchema)).join(' or ');
  if (field['const'] !== undefined) return `\`${field['const']}\``;
  if (field['type'] === 'array') return `list of ${typeOf(field['items'] as JsonSchema)}`;
  return typeof field['type'] === 'string' ? field['type'] : 'any';
}

function defaultOf(field: JsonSchema, isRequired: boolean): string {
  if (isRequired) return '**needed**';
  const value = field['default'];
  return value === undefined || JSON.stringify(value) === '{}' ? '' : `\`${JSON.stringify(value)}\``;
}

function limitsOf(field: JsonSchema): string {
  const words = {
    minimum: '≥',
    maximum: '≤',
    minLength: 'length ≥',
    maxLength: 'length ≤',
    maxItems: 'at most',
  };
  const of = Object.entries(words).flatMap(([name, word]) =>
    field[name] === undefined ? [] : [`${word} ${field[name]}`],
  );
  const inner = field['items'] as JsonSchema | undefined;
  return [...of, ...(inner === undefined ? [] : [limitsOf(inner)])].filter((one) => one !== '').join(', ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}
