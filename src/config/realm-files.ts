/**
 * Realm files: every `realms/*.yaml` of the configuration folder, checked as a whole before anything is applied. All
 * faults of all files are told at once, as `file:line:column path: what, did you mean …`.
 */
import { isUtf8 } from 'node:buffer';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { z } from 'zod';
import { checkClient } from '../registry/model/check-client.ts';
import { checkSettings, checkUser, type Problem, repeated } from '../registry/model/check-realm.ts';
import {
  type Client,
  client,
  type RealmFile,
  type RealmSettings,
  realmFile,
  realmSettings,
  user,
} from '../registry/model/model.ts';
import { parseHash } from '../registry/passwords/password-formats.ts';
import { loginsOf } from '../registry/store/records.ts';
import { checkSections } from './compat-sections.ts';
import { ConfigFaults, didYouMean } from './faults.ts';
import { checkGuestSections } from './guest-sections.ts';
import { type Environment, isProduction, publicUrlOf } from './load.ts';
import { type Finding, findingsOf } from './schema-hints.ts';
import { readYaml, type YamlSource } from './yaml-source.ts';

export type LoadedRealm = {
  readonly name: string;
  /** Path of the file. */
  readonly path: string;
  readonly file: RealmFile;
  /** Where in the file something stands. */
  readonly locate: YamlSource['locate'];
};

/** `folder` is the configuration folder. Throws `ConfigFaults` with everything that is wrong in any of the files. */
export async function loadRealmFiles(
  folder: string,
  env: Environment = process.env,
): Promise<readonly LoadedRealm[]> {
  const paths = await realmPaths(folder);
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
  if (faults.length > 0) throw new ConfigFaults(faults);
  return realms;
}

type Loaded = { readonly realm?: LoadedRealm; readonly faults: readonly string[] };

async function realmPaths(folder: string): Promise<readonly string[]> {
  const realms = join(folder, 'realms');
  try {
    const names = await readdir(realms);
    return (
      names
        // Editors keep hidden copies beside the files.
        .filter((name) => /^[^.].*\.ya?ml$/i.test(name))
        .sort()
        .map((name) => join(realms, name))
    );
  } catch (cause) {
    throw new ConfigFaults([
      `${realms}: cannot be read (DAYPASS_CONFIG names its parent): ${reasonOf(cause)}`,
    ]);
  }
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
  const findings = source.value === undefined ? [] : checkRealmFile(source.value, { path, env });
  const faults = [
    ...source.faults,
    ...findings.map(({ path: at, message, isKey }) => ({
      place: source.locate(at, isKey),
      message: `${written(at)}: ${message}`,
    })),
  ];
  if (faults.length === 0 && isRealmFile(source.value)) {
    const { value: file, locate } = source;
    return { realm: { name: file.name, path, file, locate }, faults: [] };
  }
  const inOrder = faults.toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column);
  return { faults: inOrder.map(({ place, message }) => `${path}:${place.line}:${place.column} ${message}`) };
}

function isRealmFile(value: unknown): value is RealmFile {
  return realmFile.safeParse(value).success;
}

function checkRealmFile(
  value: unknown,
  { path, env }: { path: string; env: Environment },
): readonly Finding[] {
  return [...(isRecord(value) ? checkHeader(value, path, env) : []), ...checkRealmDocument(value)];
}

/** Everything that is wrong with a realm, its clients and its users, wherever the document comes from. Pure. */
export function checkRealmDocument(value: unknown): readonly Finding[] {
  const { error } = realmFile.safeParse(value);
  return [
    ...(error?.issues.flatMap((issue) => findingsOf(realmFile, issue, value)) ?? []),
    ...(isRecord(value) ? [...compatFindings(value), ...guestFindings(value), ...crossFindings(value)] : []),
  ];
}

function checkHeader(file: Record<string, unknown>, path: string, env: Environment): readonly Finding[] {
  const findings: Finding[] = [];
  const expected = basename(path).replace(/\.ya?ml$/i, '');
  if (typeof file['name'] === 'string' && file['name'] !== expected) {
    findings.push({ path: ['name'], message: `must be "${expected}", as the file is named` });
  }
  if (file['demo'] === true && isProduction(env)) {
    const message =
      'the secrets of a demo realm are public: in production remove the file, or set its own secrets';
    findings.push({ path: ['demo'], message });
  }
  return findings;
}

/**
 * Checks across several parts of the file. A part that is itself at fault is left out. When this is the realm's own
 * settings, which the other parts refer to, nothing is compared.
 */
function crossFindings({ clients, users, demo: _, ...rest }: Record<string, unknown>): readonly Finding[] {
  const settings = realmSettings.safeParse(rest).data;
  if (settings === undefined) return [];
  return [
    ...checkSettings(settings).map((problem) => findingOf([], problem)),
    ...crossClients(
      settings,
      listOf(clients).map((each) => client.safeParse(each).data),
    ),
    ...crossUsers(
      settings,
      listOf(users).map((each) => user.safeParse(each).data),
    ),
  ];
}

function compatFindings({ clients: _clients, users: _users, demo: _demo, ...rest }: Record<string, unknown>) {
  if (!isRecord(rest['compat'])) return [];
  const settings = realmSettings.safeParse(rest).data;
  return checkSections(rest['compat'], settings).map((found) =>
    'unknown' in found ? findingOf(['compat'], found) : { ...found, path: ['compat', ...found.path] },
  );
}

function guestFindings(file: Record<string, unknown>) {
  const { clients: _clients, users: _users, demo: _demo, ...rest } = file;
  const settings = realmSettings.safeParse(rest).data;
  return checkGuestSections(file, settings).map((found) =>
    'unknown' in found ? findingOf([], found) : found,
  );
}

function crossClients(settings: RealmSettings, clients: readonly (Client | undefined)[]): readonly Finding[] {
  const ids = clients.map((each) => each?.id);
  return [
    ...repeated(ids, (index) => ['clients', index, 'id'], 'client').map((problem) => findingOf([], problem)),
    ...clients.flatMap((each, index) =>
      each === undefined
        ? []
        : checkClient(settings, each).map((problem) => findingOf(['clients', index], problem)),
    ),
  ];
}

function crossUsers(
  settings: RealmSettings,
  users: readonly (z.infer<typeof user> | undefined)[],
): readonly Finding[] {
  const ids = users.map((each) => each?.id);
  const logins = users.flatMap((each, index) =>
    each === undefined
      ? []
      : loginsOf(each).map((login, at) => ({
          login,
          path: ['users', index, at === 0 ? 'username' : 'email'],
        })),
  );
  const problems = [
    ...repeated(ids, (index) => ['users', index, 'id'], 'user id'),
    ...repeated(
      logins.map(({ login }) => login),
      (index) => logins[index]?.path ?? [],
      'user name or e-mail address',
    ),
  ];
  return [
    ...problems.map((problem) => findingOf([], problem)),
    ...users.flatMap((each, index) =>
      each === undefined
        ? []
        : [...checkUser(settings, each), ...checkHash(each)].map((problem) =>
            findingOf(['users', index], problem),
          ),
    ),
  ];
}

/** Who has a hash that no login can be compared with could never sign in. */
function checkHash({ passwordHash }: Pick<z.infer<typeof user>, 'passwordHash'>): readonly Problem[] {
  if (passwordHash === undefined || parseHash(passwordHash) !== undefined) return [];
  const message =
    'is cut off, malformed or too costly for a login: Argon2id up to 256 MiB, 16 passes and 16 lanes, ' +
    'PBKDF2 with 1,000 to 5,000,000 iterations, bcrypt with a cost of 4 to 14';
  return [{ path: ['passwordHash'], message }];
}

function findingOf(prefix: readonly (string | number)[], { path, message, unknown }: Problem): Finding {
  const hint = unknown === undefined ? '' : didYouMean(unknown.given, unknown.known);
  return { path: [...prefix, ...path], message: message + hint };
}

/** `clients[0].redirectUris[2]`; the whole file is `realm`. */
function written(path: readonly PropertyKey[]): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return text.replace(/^\./, '') || 'realm';
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function reasonOf(cause: unknown): string {
  return isSystemError(cause) ? String(cause.code) : 'unknown reason';
}

function isSystemError(error: unknown): error is Error & { readonly code: unknown } {
  return error instanceof Error && 'code' in error && 'syscall' in error;
}
