import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { inRealm, place, withAdmin } from '../admin-calls/with-admin.ts';
import type { AdminCalls, Shown } from '../runtime/admin-calls.ts';
import { type Command, type Input, print, UsageError } from '../runtime/command.ts';
import { json, printJson } from '../runtime/output.ts';

export const explainWhy: Command = {
  about:
    'Tells why: why a token is inactive, why a redirect, a login or a guest token is refused, and what a user or a\n' +
    'client would get; with the setting that decides, and who gave it its value. Changes nothing. A token is read from\n' +
    'standard input (--token -), because arguments are seen by every user of a machine.',
  options: {
    ...inRealm,
    token: { value: '<token>', help: 'why is this token inactive; - reads it from standard input' },
    client: { value: '<id>', help: 'the client: of the redirect, the rights, the guest token, or that asks' },
    'redirect-uri': { value: '<address>', help: 'why is this redirect refused' },
    login: { value: '<name>', help: 'why is this person not let in' },
    user: { value: '<name>', help: 'what would this user get through the client' },
    scope: { value: '<names>', help: 'of these scopes' },
    api: { value: '<id>', help: 'at this API' },
    mint: { value: '<file>', help: 'what would this request for a guest token give; - reads standard input' },
    ...json,
    ...place,
  },
  examples: [
    'explain --realm acme --login george.becker',
    'explain --realm acme --client dc-ui --redirect-uri http://localhost:3000/callback',
    'explain --realm acme --token - < token.txt',
  ],
  run: (input) =>
    withAdmin(input, async (admin) => {
      const body = await questionOf(input);
      const explained = await ask(admin, input.need('realm'), body);
      if (input.has('json')) printJson(explained);
      else for (const line of linesOf(explained)) print(line);
      return 0;
    }),
};

function ask(admin: AdminCalls, realm: string, body: object): Promise<Shown> {
  return admin.call('explain', { params: { realm }, body });
}

async function questionOf(input: Input): Promise<object> {
  const client = input.find('client');
  const ofClient = client === undefined ? {} : { client };
  const [token, login] = [input.find('token'), input.find('login')];
  if (token !== undefined) return { ...ofClient, token: token === '-' ? await firstLine() : token };
  if (login !== undefined) return { login };
  if (client === undefined)
    throw new UsageError('say what: --token, --login, or --client with what is asked of it');
  const [redirectUri, mint] = [input.find('redirect-uri'), input.find('mint')];
  if (redirectUri !== undefined) return { client, redirectUri };
  if (mint !== undefined) return { client, mint: await readMint(mint) };
  const asked = ['user', 'scope', 'api'].flatMap((name) => {
    const value = input.find(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return { client, ...Object.fromEntries(asked) };
}

async function firstLine(): Promise<string> {
  return (await text(process.stdin)).split('\n')[0]?.trim() ?? '';
}

async function readMint(file: string): Promise<unknown> {
  const written = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8');
  try {
    return JSON.parse(written);
  } catch {
    throw new UsageError('--mint is a file of JSON: the body of a request for a guest token');
  }
}

function linesOf({ verdict, reasons, about }: Shown): readonly string[] {
  const all: readonly Shown[] = Array.isArray(reasons) ? reasons : [];
  return [String(verdict), ...all.flatMap(linesOfReason), `about: ${JSON.stringify(about)}`];
}

function linesOfReason({ rule, detail, setting, changed }: Shown): readonly string[] {
  return [
    `  ${rule}: ${detail}`,
    ...(typeof setting === 'string' ? [`    decided by ${setting}${whoChanged(changed)}`] : []),
  ];
}

function whoChanged(changed: unknown): string {
  if (typeof changed !== 'object' || changed === null || !('time' in changed) || !('by' in changed))
    return '';
  const { kind, id } = changed.by as Shown;
  return `, set by ${kind}${id === undefined ? '' : ` ${id}`} at ${changed.time}`;
}
