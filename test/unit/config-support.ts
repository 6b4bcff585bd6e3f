import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { ConfigFaults } from '../../src/config/faults.ts';
import { loadRealmFiles } from '../../src/config/realm-files.ts';

type Files = Readonly<Record<string, string | Buffer>>;

export async function folderWith(files: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'realm-files-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'realms'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, 'realms', name), text);
  return folder;
}

/** The faults without the folder, so that each begins with the name of the file. */
export async function faultsOf(files: Files, env = {}): Promise<readonly string[]> {
  const folder = await folderWith(files);
  const outcome = await loadRealmFiles(folder, env).catch((error: unknown) => error);
  if (!(outcome instanceof ConfigFaults)) return [];
  return outcome.faults.map((fault) => fault.replace(`${folder}/realms/`, ''));
}

export const head = `name: acme
apis:
  - id: analytics
    audience: https://analytics.acme.test
    permissions: [{ name: reports:read }, { name: reports:write }]
roles:
  - { name: analyst, permissions: [analytics:reports:read] }
`;

/** What is added begins on line 8. */
export const withHead = (text: string) => ({ 'acme.yaml': head + text });
export const withClient = (text: string) => withHead(`clients:\n  - id: web\n${text}`);
