/** A text with values in it, as a template literal of the library's writes it. */
export type Template = {
  /** What stands before, between and after the values. */
  readonly parts: readonly string[];
  /** The text with these values. */
  fill(...values: readonly string[]): string;
  /** True for the text with any values. */
  matches(text: string): boolean;
};

/** The template of these parts, with a value between each two. */
export function template(...parts: readonly string[]): Template {
  return {
    parts,
    fill: (...values) => parts.map((part, at) => `${part}${values[at] ?? ''}`).join(''),
    matches: (text) => holdsInOrder(text, parts),
  };
}

function holdsInOrder(text: string, [first = '', ...others]: readonly string[]): boolean {
  if (!text.startsWith(first) || !text.endsWith(others.at(-1) ?? '')) return false;
  let from = first.length;
  for (const part of others) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return true;
}
