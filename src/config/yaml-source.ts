import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Environment } from './load.ts';

/** Line and column, both counted from 1. */
export type Place = { readonly line: number; readonly column: number };

export type TextFault = { readonly place: Place; readonly message: string };

/** One YAML file: its value, and the position of each part of it. */
export type YamlSource = {
  /** The value of the file, with `${NAME}` replaced; `undefined` when it is not YAML. */
  readonly value: unknown;
  /** Faults of the text itself. */
  readonly faults: readonly TextFault[];
  /** The position of the part at this path, or of the nearest existing part around it. */
  locate(path: readonly PropertyKey[], isKey?: boolean): Place;
};

type Document = ReturnType<typeof parseDocument>;
type Span = { readonly range?: readonly [number, number, number] | null | undefined };

const reference = /\$\$\{|\$\{([^}]*)\}|\$\{/g;

/**
 * In a text value `${NAME}` stands for that environment variable, so that secrets need not be in the file; `$${`
 * stands for `${`. A variable that is unset or empty is a fault.
 */
export function readYaml(text: string, env: Environment): YamlSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const faults = [...document.errors, ...document.warnings].map(({ pos, code, message }) => ({
    place: at(pos[0]),
    message: words[code] ?? `is not YAML: ${message}`,
  }));
  if (faults.length > 0) {
    const bare = bareReference(text, document.errors[0]?.pos[0] ?? 0);
    return {
      value: undefined,
      faults: bare === undefined ? faults : [{ ...BARE, place: at(bare) }],
      locate: () => at(0),
    };
  }
  const unset = replaceReferences(document, env).map(({ offset, message }) => ({
    place: at(offset),
    message,
  }));
  return {
    ...plainOf(document, unset),
    locate: (path, isKey = false) => at(offsetOf(document, path, isKey)),
  };
}

/** What the parser's codes mean for who wrote the file. */
const words: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this field is there twice: leave one of them out',
  TAB_AS_INDENT: 'lines are indented by spaces, not by tabs',
  BAD_INDENT: 'the indentation does not fit the lines above',
  MISSING_CHAR: 'a closing quote, bracket or brace, or a comma or colon, is missing before here',
  BAD_ALIAS: 'an alias (*name) needs the anchor (&name) of that name above',
  MULTIPLE_DOCS: 'a file holds one realm: leave out what follows "---"',
  BLOCK_IN_FLOW: 'inside { } and [ ] there are no lists or maps by indentation',
  BLOCK_AS_IMPLICIT_KEY: 'a value on the line of its field holds a colon: put it in quotes',
  TAG_RESOLVE_FAILED: 'there is no such tag: leave out what begins with !',
};

const BARE = { message: `a reference inside { } or [ ] needs quotes: "\${NAME}"` };

/**
 * Where the brace of an unquoted `${NAME}` opens a map of its own, inside another one: the parser finds faults in all that
 * follows. The offset of the last such reference before its first fault, on the same line.
 */
function bareReference(text: string, faultAt: number): number | undefined {
  const lineStart = text.lastIndexOf('\n', faultAt - 1) + 1;
  const lineEnd = text.indexOf('\n', faultAt);
  const line = text.slice(lineStart, lineEnd === -1 ? undefined : lineEnd);
  const found = /[[{,:]\s*(\$\{)/d.exec(line)?.indices?.[1]?.[0];
  return found === undefined ? undefined : lineStart + found;
}

function plainOf(document: Document, faults: readonly TextFault[]): Pick<YamlSource, 'value' | 'faults'> {
  try {
    return { value: document.toJS(), faults };
  } catch (error) {
    // Thrown for aliases that expand beyond reason, or that refer to nothing.
    if (!(error instanceof ReferenceError)) throw error;
    const fault = {
      place: { line: 1, column: 1 },
      message: 'aliases (*name) refer to nothing, or expand beyond reason',
    };
    return { value: undefined, faults: [...faults, fault] };
  }
}

function replaceReferences(document: Document, env: Environment): { offset: number; message: string }[] {
  const faults: { offset: number; message: string }[] = [];
  visit(document, {
    Scalar(key, node) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const { text, unset } = expand(node.value, env);
      node.value = text;
      const offset = node.range?.[0] ?? 0;
      faults.push(...unset.map((whole) => ({ offset, message: unsetText(whole) })));
    },
  });
  return faults;
}

/** `unset`: references to variables that are not set. They stay as they are. */
function expand(text: string, env: Environment): { text: string; unset: string[] } {
  const unset: string[] = [];
  const expanded = text.replace(reference, (whole, name: string | undefined) => {
    if (whole === '$${') return '${';
    const value = env[name ?? ''];
    if (!value) unset.push(whole);
    return value || whole;
  });
  return { text: expanded, unset };
}

function unsetText(whole: string): string {
  return /^\$\{[A-Za-z_]\w*\}$/.test(whole)
    ? `the environment variable of ${whole} is not set`
    : `"${whole}" is no reference such as \${NAME}; write $\${ for a plain \${`;
}

/** Follows the path as far as it exists. */
function offsetOf(document: Document, path: readonly PropertyKey[], isKey: boolean): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [depth, step] of path.entries()) {
    const pair = pairAt(resolve(document, node), step);
    if (pair === undefined) break;
    node = pair.value;
    const wantsKey = (isKey && depth === path.length - 1) || startOf(node) === undefined;
    offset = (wantsKey ? startOf(pair.key) : startOf(node)) ?? offset;
  }
  return offset ?? 0;
}

function pairAt(node: unknown, step: PropertyKey): { key: unknown; value: unknown } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const value = node.items[step];
    return value === undefined ? undefined : { key: value, value };
  }
  if (!isMap(node)) return undefined;
  return node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === step);
}

function resolve(document: Document, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function startOf(node: unknown): number | undefined {
  const { range }: Span = typeof node === 'object' && node !== null ? node : {};
  return range?.[0];
}
