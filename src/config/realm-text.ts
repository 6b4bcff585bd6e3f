/** A realm file as text, as `realm-files.ts` reads it, with its secrets beside it as environment variables. Pure. */
import type { RealmFile } from '../registry/model/model.ts';
import { toYaml } from './yaml-text.ts';

/** Fields that hold a secret, alone or in a list. */
const secretFields: ReadonlySet<string> = new Set(['secret', 'previousSecret', 'apiKeys', 'serviceTokens']);

export type RealmText = {
  readonly yaml: string;
  /** Values of the variables that the text refers to, by name. */
  readonly secrets: ReadonlyMap<string, string>;
};

/** Every secret as a reference to a variable, or with `isPlain` in the text itself. */
export function realmTextOf(file: RealmFile, { isPlain }: { readonly isPlain: boolean }): RealmText {
  const secrets = new Map<string, string>();
  const refer = (path: readonly string[], value: string): string => {
    const name = freeName(secrets, nameOf([file.name, ...path]));
    secrets.set(name, value);
    return `\${${name}}`;
  };
  const written = withReferences(file, [], isPlain ? undefined : refer);
  return { yaml: toYaml(written), secrets };
}

type Refer = (path: readonly string[], value: string) => string;

function withReferences(value: unknown, path: readonly string[], refer: Refer | undefined): unknown {
  if (typeof value === 'string') {
    const isSecret = path.some((step) => secretFields.has(step));
    return isSecret && refer !== undefined ? refer(path, value) : value.replaceAll('${', () => '$${');
  }
  if (Array.isArray(value)) {
    return value.map((item, at) => withReferences(item, [...path, stepOf(item, at)], refer));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withReferences(member, [...path, name], refer)]),
  );
}

/** A member of a list is known by its id where it has one. */
function stepOf(item: unknown, at: number): string {
  return typeof item === 'object' && item !== null && 'id' in item ? String(item.id) : String(at + 1);
}

/** `ACME_GATEWAY_SECRET`: a name that every shell can set. The word `clients` says nothing. */
function nameOf(path: readonly string[]): string {
  const words = path.filter((step) => step !== 'clients' && step !== 'compat');
  const name = words
    .join('_')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/\W/g, '_')
    .toUpperCase();
  // Variables that begin with DAYPASS_ are settings.
  return /^(\d|DAYPASS_)/.test(name) ? `_${name}` : name;
}

function freeName(taken: ReadonlyMap<string, string>, name: string): string {
  let free = name;
  for (let number = 2; taken.has(free); number += 1) free = `${name}_${number}`;
  return free;
}

/** A file of variables, for a shell (`set -a; . ./acme.env`), `node --env-file` or `docker run --env-file`. */
export function environmentText(secrets: ReadonlyMap<string, string>): string {
  const lines = [...secrets].map(([name, value]) => `${name}=${quoted(value)}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** Quoted for a shell where that is needed; what the server makes needs no quotes. */
function quoted(value: string): string {
  return /^[\w.~+/=:@%-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
