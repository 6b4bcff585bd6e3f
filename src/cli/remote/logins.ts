/** Who is signed in where: one file of the user's, readable by nobody else. */
import { chmod, mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../../base/errors.ts';
import { randomId } from '../../base/random.ts';
import { userFolder } from '../../config/user-folder.ts';

const login = z.strictObject({
  /** The realm whose person is signed in. */
  realm: z.string(),
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  /** Seconds since the epoch. */
  expiresAt: z.number(),
});
const logins = z.record(z.string(), login);

export type Login = z.infer<typeof login>;

/** By the address of the server. */
export type Logins = ReturnType<typeof createLogins>;

export function createLogins(folder = userFolder()) {
  const path = join(folder, 'logins.json');

  async function find(url: string): Promise<Login | undefined> {
    return (await readAll(path))[url];
  }

  /** Without a login: forgets the one that is there. */
  async function put(url: string, kept: Login | undefined): Promise<void> {
    const { [url]: _, ...others } = await readAll(path);
    await writeOwn(
      path,
      JSON.stringify(kept === undefined ? others : { ...others, [url]: kept }, undefined, 2),
    );
  }

  return { find, put };
}

/** Refuses a file that others may read: whoever has read it may be signed in. */
async function readAll(path: string): Promise<Readonly<Record<string, Login>>> {
  try {
    if (((await stat(path)).mode & 0o077) !== 0) {
      throw new Failure('forbidden', `${path} can be read by others: chmod 600 it, and sign in again`);
    }
    return logins.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    if (error instanceof SyntaxError || error instanceof z.ZodError) {
      throw new Failure('invalid_input', `${path} is damaged: remove it, and sign in again`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** Replaced as a whole: another command reads the old file or the new one. */
async function writeOwn(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomId()}`;
  await writeFile(draft, `${text}\n`, { mode: 0o600, flag: 'wx' });
  await chmod(draft, 0o600);
  await rename(draft, path);
}
