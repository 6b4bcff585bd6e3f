/**
 * Realm files: every `realms/*.yaml` of the configuration folder, checked as a whole before anything is applied. All
 * faults of all files are told at once, as `file:line:column path: what, did you mean …`.
 */
import { isUtf8 } from 'node:buffer';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Client, type RealmFile, type RealmSettings, realmFile } from '../registry/model/model.ts';
import { ConfigFaults } from './faults.ts';
import { type Environment, publicUrlOf } from './load.ts';
import { checkRealmFile } from './realm-checks.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

export type LoadedRealm = {
  readonly name: string;
  /** Path of the file. */
  readonly path: string;
  readonly file: RealmFile;
  /** Where in the file something stands. */
  readonly locate: YamlSource['locate'];
};

/** What of a file can be shown to the protocol library, however many faults the rest of it has. */
export type CheckableRealm = Pick<LoadedRealm, 'path' | 'locate'> & {
  readonly settings: RealmSettings;
  /** By their place in the file; `undefined` for one that is at fault. */
  readonly clients: readonly (Client | undefined)[];
};

export type RealmFiles = {
  readonly realms: readonly LoadedRealm[];
  readonly checkable: readonly CheckableRealm[];
  /** Everything that is wrong in any of the files. */
  readonly faults: readonly string[];
  /** Files that look as if they were meant to be read, and are not. */
  readonly passedOver: readonly string[];
};

/** `folder` is the configuration folder. Throws `ConfigFaults` with everything that is wrong in any of the files. */
export async function loadRealmFiles(
  folder: string,
  env: Environment = process.env,
): Promise<readonly LoadedRealm[]> {
  return orFaults(await readRealmFiles(folder, env)).realms;
}

/** Throws `ConfigFaults` when a file has any. */
export function orFaults(files: RealmFiles): RealmFiles {
  if (files.faults.length > 0) throw new ConfigFaults(files.faults);
  return files;
}

/** For people: that a file is not read, and what would have to change for it to be. */
export function passedOverText(path: string): string {
  return `${path} is passed over: realm files lie in the folder realms and end in .yaml or .yml`;
}

/** The same with what is known beside the faults. Throws `ConfigFaults` when the folder cannot be read. */
export async function readRealmFiles(folder: string, env: Environment = process.env): Promise<RealmFiles> {
  const { paths, passedOver } = await realmPaths(folder);
  // A file may name the server's own address wherever it runs, also where the setting is left to its default.
  const given = { ...env, DAYPASS_URL: publicUrlOf(env) };
  const results = await Promise.all(paths.map((path) => loadRealmFile(path, given)));
  const realms = results.flatMap(({ realm }) => realm ?? []);
  const names = realms.map(({ name }) => name);
  const faults = [
    ...results.flatMap((result) => result.faults),
    ...realms
      .filter(({ name }, index) => names.indexOf(name) !== index)
      .map(({ name, path }) => `${path}:1:1 name: realm "${name}" has another file`),
  ];
  return { realms, checkable: results.flatMap(({ checkable }) => checkable ?? []), faults, passedOver };
}

type Loaded = {
  readonly realm?: LoadedRealm;
  readonly checkable?: CheckableRealm;
  readonly faults: readonly string[];
};

async function realmPaths(folder: string) {
  const realms = join(folder, 'realms');
  try {
    const names = (await readdir(realms)).filter(isVisible).sort();
    // A realm file that lies beside the folder it belongs in.
    const beside = (await readdir(folder)).filter((name) => isVisible(name) && isYaml(name)).sort();
    return {
      paths: names.filter(isYaml).map((name) => join(realms, name)),
      passedOver: [
        ...beside.map((name) => join(folder, name)),
        ...names.filter((name) => !isYaml(name)).map((name) => join(realms, name)),
      ],
    };
  } catch (cause) {
    throw new ConfigFaults([
      `${realms}: cannot be read (DAYPASS_CONFIG names its parent): ${reasonOf(cause)}`,
    ]);
  }
}

/** Editors keep hidden copies beside the files. */
function isVisible(name: string): boolean {
  return !name.startsWith('.');
}

function isYaml(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

async function loadRealmFile(path: string, env: Environment): Promise<Loaded> {
  try {
    const bytes = await readFile(path);
    const line = lineOfBadText(bytes);
    if (line === undefined) return checkText(bytes.toString('utf8'), path, env);
    return { faults: [`${path}:${line}:1 is not UTF-8: save the file in that encoding`] };
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    return { faults: [`${path}: cannot be read: ${reasonOf(cause)}`] };
  }
}

/** The line of the first bytes that are not UTF-8. Read as if they were, they would become other characters. */
function lineOfBadText(bytes: Buffer): number | undefined {
  if (isUtf8(bytes)) return undefined;
  let line = 1;
  for (let start = 0; ; line += 1) {
    const end = bytes.indexOf('\n', start);
    if (end === -1 || !isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
}

function checkText(text: string, path: string, env: Environment): Loaded {
  const source = readYaml(text, env);
  const { value, locate } = source;
  const { findings, sound } =
    value === undefined ? { findings: [], sound: undefined } : checkRealmFile(value, { path, env });
  const checkable = sound && { ...sound, path, locate };
  const faults = [
    ...source.faults,
    ...findings.map(({ path: at, message, isKey }) => ({
      place: locate(at, isKey),
      message: `${written(at)}: ${message}`,
    })),
  ];
  if (faults.length === 0 && isRealmFile(value)) {
    const realm = { name: value.name, path, file: value, locate };
    return { realm, ...(checkable && { checkable }), faults: [] };
  }
  const inOrder = faults.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  const told = inOrder.map(({ place, message }) => `${path}:${place.line}:${place.column} ${message}`);
  return { ...(checkable && { checkable }), faults: [...new Set(told)] };
}

function isRealmFile(value: unknown): value is RealmFile {
  return realmFile.safeParse(value).success;
}

/** `clients[0].redirectUris[2]`; the whole file is `realm`. */
function written(path: readonly PropertyKey[]): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return text.replace(/^\./, '') || 'realm';
}

function reasonOf(cause: unknown): string {
  return isSystemError(cause) ? String(cause.code) : 'unknown reason';
}

function isSystemError(error: unknown): error is Error & { readonly code: unknown } {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
