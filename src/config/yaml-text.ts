/** Values as YAML, as realm files are written, and back. */
import { Document, isScalar, parse, visit } from 'yaml';

/** Text that reads as this value, whatever is in it. Long texts stay on their line. */
export function toYaml(value: unknown): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Pair(_, { key }) {
      // Unquoted, this name merges maps.
      if (isScalar(key) && key.value === '<<') key.type = 'QUOTE_DOUBLE';
    },
  });
  return document.toString({ lineWidth: 0 });
}

/** The value of one document. Throws `Error` with line and column for what is no YAML. */
export function fromYaml(text: string): unknown {
  return parse(text);
}
