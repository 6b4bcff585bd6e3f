/** Values as YAML, as realm files are written, and back. */
import { parse, stringify } from 'yaml';

/** Text that reads as this value, whatever is in it. Long texts stay on their line. */
export function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** The value of one document. Throws `Error` with line and column for what is no YAML. */
export function fromYaml(text: string): unknown {
  return parse(text);
}
