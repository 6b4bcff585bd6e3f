/**
 * What commands say: for people at a terminal as aligned tables, for scripts as columns separated by tabs, and for
 * programs as JSON. What comes from the store cannot steer the terminal that it is shown on.
 */
import { toYaml } from '../../config/yaml-text.ts';
import { type Input, type Option, print } from './command.ts';

/** The option of every command that lists or shows something. */
export const json = {
  json: { help: 'one JSON document, for programs' },
} as const satisfies Record<string, Option>;

/** The value as one JSON document. */
export function printJson(value: unknown): void {
  print(harmless(JSON.stringify(value, undefined, 2)));
}

/** JSON leaves some control characters as they are, which terminals obey; written otherwise it is the same value. */
function harmless(text: string): string {
  return text.replace(/[\u007f-\u009f]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
}

/** What stands above the column at a terminal, and the text of an item in it. */
export type Column<T> = readonly [title: string, textOf: (item: T) => unknown];

/** Rows of a table that are aligned together: a long list is shown as it is read. */
const BLOCK = 500;

/** Shows a list as it comes. Without items a table says nothing. */
export async function showList<T>(
  input: Pick<Input, 'has'>,
  items: AsyncIterable<T> | Iterable<T>,
  columns: readonly Column<T>[],
): Promise<void> {
  if (input.has('json')) return printItems(items);
  let rows: (readonly string[])[] = [];
  let hasTitles = false;
  function flush(): void {
    if (rows.length > 0) printRows([...(hasTitles ? [] : titlesOf(columns)), ...rows]);
    hasTitles ||= rows.length > 0;
    rows = [];
  }
  for await (const item of items) {
    rows.push(columns.map(([, textOf]) => cellOf(textOf(item))));
    if (rows.length === BLOCK) flush();
  }
  flush();
}

/** Shows one thing: a name and a value a line. */
export function showOne(
  input: Pick<Input, 'has'>,
  item: unknown,
  rows: readonly (readonly [name: string, value: unknown])[],
): void {
  if (input.has('json')) printJson(item);
  else printRows(rows.map(([name, value]) => [name, cellOf(value)]));
}

/** Shows one thing with everything in it: as YAML for people, as realm files are written. */
export function showWhole(input: Pick<Input, 'has'>, item: object): void {
  if (input.has('json')) printJson(item);
  else process.stdout.write(toYaml(item).replace(/(?!\n)\p{Cc}/gu, '?'));
}

async function printItems<T>(items: AsyncIterable<T> | Iterable<T>): Promise<void> {
  let isFirst = true;
  for await (const item of items) {
    print(`${isFirst ? '[' : ','}${harmless(JSON.stringify(item))}`);
    isFirst = false;
  }
  print(isFirst ? '[]' : ']');
}

function titlesOf<T>(columns: readonly Column<T>[]): readonly (readonly string[])[] {
  return process.stdout.isTTY ? [columns.map(([title]) => title.toUpperCase())] : [];
}

function printRows(rows: readonly (readonly string[])[]): void {
  for (const line of process.stdout.isTTY ? alignedRows(rows) : rows.map((row) => row.join('\t')))
    print(line);
}

/** Columns as wide as their widest cell, two spaces apart. */
export function alignedRows(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Lists are separated by spaces. Control characters would move the cursor or split the row. */
export function cellOf(value: unknown): string {
  const text = Array.isArray(value) ? value.map(String).join(' ') : String(value ?? '');
  return text.replace(/\p{Cc}/gu, '?');
}
