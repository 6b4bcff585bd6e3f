/** What is wrong with a body, in the names that the caller used. */
import type { z } from 'zod';

const MAX_NAME = 64;

/** The first fault: the field, as `params.rlsSettings[3].values`, and the reason. Never a value. */
export function faultIn({ issues }: Pick<z.ZodError, 'issues'>): string {
  const [issue] = issues;
  if (issue === undefined) return 'is invalid';
  if (issue.code !== 'unrecognized_keys') return `${fieldOf(issue.path)} ${reasonOf(issue)}`.trim();
  return `${fieldOf([...issue.path, issue.keys[0] ?? ''])} is not a known field`;
}

function fieldOf(path: readonly PropertyKey[]): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${nameOf(String(step))}`))
    .join('')
    .replace(/^\./, '');
}

/** Names are the caller's text: short, and of characters that break no line. */
function nameOf(name: string): string {
  return name.slice(0, MAX_NAME).replaceAll(/[^\x20-\x7e]/g, '?');
}

/** Our own reasons; those of the schema library speak of types that a caller does not know. */
function reasonOf({ code, message }: z.core.$ZodIssue): string {
  return code === 'custom' || code === 'too_big' ? message : 'is missing or invalid';
}
