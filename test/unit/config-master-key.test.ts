import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { loadSettings } from '../../src/config/load.ts';
import { loadMasterKey } from '../../src/config/master-key.ts';

async function development() {
  const folder = await mkdtemp(join(tmpdir(), 'master-key-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const data = join(folder, 'data');
  return { data, settings: loadSettings({ DAYPASS_STORE: `sqlite:${data}/daypass.db` }) };
}

it('uses the key that is given', async () => {
  const key = Buffer.alloc(32, 9);

  expect(await loadMasterKey(loadSettings({ DAYPASS_KEY: key.toString('base64') }))).toEqual(key);
});

it('makes one key for all who start at once, which only its owner can read', async () => {
  const { data, settings } = await development();

  const keys = await Promise.all(Array.from({ length: 8 }, () => loadMasterKey(settings)));

  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
  expect(keys[0]).toHaveLength(32);
  expect(await loadMasterKey(settings)).toEqual(keys[0]);
  expect(await readdir(data)).toEqual(['master.key']);
  expect((await stat(join(data, 'master.key'))).mode & 0o777).toBe(0o600);
});

it('refuses a file that holds no key, and leaves it alone', async () => {
  const { data, settings } = await development();
  await loadMasterKey(settings);
  await writeFile(join(data, 'master.key'), 'oops');

  await expect(loadMasterKey(settings)).rejects.toThrow('must hold 32 bytes in base64');
  expect(await readFile(join(data, 'master.key'), 'utf8')).toBe('oops');
});

it('makes none in production', async () => {
  const { data, settings } = await development();

  await expect(loadMasterKey({ ...settings, production: true })).rejects.toThrow('required in production');
  await expect(readdir(data)).rejects.toThrow('ENOENT');
});
