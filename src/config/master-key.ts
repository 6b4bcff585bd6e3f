import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storeAddress } from '../storage/port/address.ts';
import { ConfigFaults } from './faults.ts';
import { masterKeyOf, type Settings } from './settings.ts';

/**
 * The 32 bytes that seal private keys and secrets at rest: `DAYPASS_KEY`, or in development a key that is made once,
 * readable by its owner only, next to the embedded store (or in `./data`). Of several processes that start at
 * once one makes it and all get it. Throws `ConfigFaults` when the file holds anything else.
 */
export async function loadMasterKey({ key, store, production }: Settings): Promise<Buffer> {
  if (key !== undefined) return key;
  if (production) throw new ConfigFaults(['DAYPASS_KEY: is required in production']);
  const path = join(dataFolder(store), 'master.key');
  const bytes = masterKeyOf((await readIfThere(path)) ?? (await makeKey(path)));
  if (bytes === undefined) throw new ConfigFaults([`${path}: must hold 32 bytes in base64`]);
  return bytes;
}

function dataFolder(store: string): string {
  const address = storeAddress(store);
  return address.engine === 'embedded' ? dirname(address.path) : './data';
}

async function makeKey(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  await writeFile(draft, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  try {
    // Unlike a rename, a link never replaces the key that another process made in the meantime.
    await link(draft, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    await unlink(draft);
  }
  return (await readFile(path, 'utf8')).trim();
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
