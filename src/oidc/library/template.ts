/** A text with values in it, as a template literal of the library's writes it. */
export type Template = {
  /** What stands before, between and after the values. */
  readonly parts: readonly string[];
  /** The text with these values. */
  fill(...values: readonly string[]): string;
  /** True for the text with any values. */
  matches(text: string): boolean;
  /** The values in a text, each as short as possible; `undefined` for another text. */
  valuesIn(text: string): readonly string[] | undefined;
};

/** The template of these parts, with a value between each two. */
export function template(...parts: readonly string[]): Template {
  return {
    parts,
    fill: (...values) => parts.map((part, at) => `${part}${values[at] ?? ''}`).join(''),
    matches: (text) => valuesIn(text, parts) !== undefined,
    valuesIn: (text) => valuesIn(text, parts),
  };
}

function valuesIn(text: string, [first = '', ...others]: readonly string[]): readonly string[] | undefined {
  const last = others.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last)) return undefined;
  const values: string[] = [];
  let from = first.length;
  for (const [index, part] of others.entries()) {
    const at = index === others.length - 1 ? text.length - last.length : text.indexOf(part, from);
    if (at < from) return undefined;
    values.push(text.slice(from, at));
    from = at + part.length;
  }
  return values;
}
