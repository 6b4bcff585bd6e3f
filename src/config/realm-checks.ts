/** Checks a realm file as a whole: each part by its schema, and the parts with one another. Pure. */
import { basename } from 'node:path';
import type { z } from 'zod';
import { checkClient } from '../registry/model/check-client.ts';
import { checkSettings, checkUser, type Problem, repeated } from '../registry/model/check-realm.ts';
import { inWords } from '../registry/model/issue-words.ts';
import { type Client, client, type RealmSettings, realmFile, user } from '../registry/model/model.ts';
import { parseHash } from '../registry/passwords/password-formats.ts';
import { faultsOfPassword, type PasswordFault } from '../registry/passwords/passwords.ts';
import { loginsOf } from '../registry/store/records.ts';
import { checkSections } from './compat-sections.ts';
import { didYouMean } from './faults.ts';
import { checkGuestSections } from './guest-sections.ts';
import { type Environment, isProduction } from './load.ts';
import { type Finding, findingsOf } from './schema-hints.ts';
import { type SoundSettings, soundSettings, withoutFaults } from './sound-parts.ts';

export type Checked = {
  readonly findings: readonly Finding[];
  /** What can be looked at further. `clients`: `undefined` for one that is at fault. */
  readonly sound?: { readonly settings: RealmSettings; readonly clients: readonly (Client | undefined)[] };
};

export function checkRealmFile(value: unknown, { path, env }: { path: string; env: Environment }): Checked {
  const checked = checkDocument(value);
  const ofFile = isRecord(value) ? checkHeader(value, path, env) : [];
  return { ...checked, findings: [...checked.findings, ...ofFile] };
}

/** Everything that is wrong with a realm, its clients and its users, wherever the document comes from. */
export function checkRealmDocument(value: unknown): readonly Finding[] {
  return checkDocument(value).findings;
}

function checkDocument(value: unknown): Checked {
  const { error } = realmFile.safeParse(value, inWords);
  const ofSchema = error?.issues.flatMap((issue) => findingsOf(realmFile, issue, value)) ?? [];
  if (!isRecord(value)) return { findings: ofSchema };
  const { clients, users: _users, demo: _demo, ...rest } = value;
  const sound = soundSettings(rest);
  const findings = worded([
    ...ofSchema,
    ...compatFindings(value, sound),
    ...guestFindings(value, sound),
    ...(sound === undefined ? [] : crossFindings(value, sound)),
  ]);
  if (sound === undefined) return { findings };
  const usable = listOf(clients).map((each, index) =>
    findings.some(({ path: at }) => at[0] === 'clients' && at[1] === index)
      ? undefined
      : client.safeParse(each).data,
  );
  return { findings, sound: { settings: sound.settings, clients: usable } };
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

/** Checks across several parts of the file. */
function crossFindings(
  { clients, users }: Record<string, unknown>,
  { settings, isReal }: SoundSettings,
): readonly Problem[] {
  return [
    ...checkSettings(settings).filter(isReal),
    ...crossClients(settings, listOf(clients), isReal),
    ...crossUsers(settings, listOf(users), isReal),
  ];
}

function compatFindings(file: Record<string, unknown>, sound: SoundSettings | undefined) {
  if (!isRecord(file['compat'])) return [];
  return checkSections(file['compat'], sound?.settings)
    .filter((found) => isRealFinding(found, sound))
    .map((found) => ({ ...found, path: ['compat', ...found.path] }));
}

function guestFindings(file: Record<string, unknown>, sound: SoundSettings | undefined) {
  return checkGuestSections(file, sound?.settings).filter((found) => isRealFinding(found, sound));
}

function isRealFinding(found: Finding | Problem, sound: SoundSettings | undefined): boolean {
  return !('unknown' in found) || sound?.isReal(found) !== false;
}

type IsReal = SoundSettings['isReal'];

function crossClients(
  settings: RealmSettings,
  given: readonly unknown[],
  isReal: IsReal,
): readonly Problem[] {
  const clients = given.map((each) => withoutFaults(client, each));
  const ids = clients.map((each) => each?.id);
  return [
    ...repeated(ids, (index) => ['clients', index, 'id'], 'client'),
    ...clients.flatMap((each, index) => {
      if (each === undefined) return [];
      const isWhole = client.safeParse(given[index]).success;
      return checkClient(settings, each)
        .filter((problem) => isReal(problem) && (isWhole || isOfOneMember(problem)))
        .map((problem) => below(['clients', index], problem));
    }),
  ];
}

const ofOneMember: readonly unknown[] = ['redirectUris', 'postLogoutRedirectUris', 'cors', 'jwks'];

/** True for a problem that no other member of the client could have caused: that one may be at fault. */
function isOfOneMember({ path, unknown }: Problem): boolean {
  return unknown !== undefined || (path.length > 1 && ofOneMember.includes(path[0]));
}

function crossUsers(settings: RealmSettings, given: readonly unknown[], isReal: IsReal): readonly Problem[] {
  const users = given.map((each) => withoutFaults(user, each));
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
    ...problems,
    ...users.flatMap((each, index) =>
      each === undefined
        ? []
        : [
            ...checkUser(settings, each).filter(isReal),
            ...checkHash(each),
            ...checkPassword(settings, each),
          ].map((problem) => below(['users', index], problem)),
    ),
  ];
}

type FileUser = z.infer<typeof user>;

/** Who has a hash that no login can be compared with could never sign in. */
function checkHash({ passwordHash }: Pick<FileUser, 'passwordHash'>): readonly Problem[] {
  if (passwordHash === undefined || parseHash(passwordHash) !== undefined) return [];
  const message =
    'is cut off, malformed or too costly for a login: Argon2id up to 256 MiB, 16 passes and 16 lanes, ' +
    'PBKDF2 with 1,000 to 5,000,000 iterations, bcrypt with a cost of 4 to 14';
  return [{ path: ['passwordHash'], message }];
}

/** The realm's policy is for every password that is set. What a hash was made from nobody knows. */
function checkPassword({ passwords }: Pick<RealmSettings, 'passwords'>, given: FileUser): readonly Problem[] {
  // A reference that is not set is told by itself.
  if (given.password === undefined || given.password.includes('${')) return [];
  return faultsOfPassword(given.password, passwords, given).map((fault) => ({
    path: ['password'],
    message: passwordWords(fault, passwords),
  }));
}

function passwordWords(fault: PasswordFault, policy: RealmSettings['passwords']): string {
  switch (fault) {
    case 'too_short':
      return `has fewer than ${policy.minLength} characters (passwords.minLength)`;
    case 'too_long':
      return `has more than ${policy.maxLength} characters (passwords.maxLength)`;
    case 'is_username':
      return 'is the user name: give another one';
    case 'is_email':
      return 'is the e-mail address: give another one';
    case 'breached':
      return 'is one of the most common passwords: give another one (passwords.refuseBreached)';
  }
}

function below(prefix: Problem['path'], problem: Problem): Problem {
  return { ...problem, path: [...prefix, ...problem.path] };
}

/** Only so many of the unknown names are compared with the known ones: that is most of the work. */
const MAX_HINTS = 5;

function worded(found: readonly (Finding | Problem)[]): readonly Finding[] {
  let hints = 0;
  return found.map((one) => {
    if (!('unknown' in one) || one.unknown === undefined) return one;
    const { path, message, unknown } = one;
    hints += 1;
    return {
      path,
      message: hints > MAX_HINTS ? message : message + didYouMean(unknown.given, unknown.known),
    };
  });
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
