/** Before all tests: the programs that they need are there, and one Redis runs for all of them. */
import { execFileSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { isInstalled, redisBinary, startRedis } from './redis.ts';

export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  installMissing();
  const given = process.env['REDIS_URL'];
  if (given) {
    project.provide('redisUrl', given);
    return undefined;
  }
  const server = await startRedis();
  project.provide('redisUrl', server.url);
  return server.stop;
}

const needed = [
  {
    name: 'redis-server',
    packages: ['redis-server', 'valkey-server'],
    isThere: () => redisBinary() !== undefined,
  },
  { name: 'chromium', packages: ['chromium'], isThere: () => isInstalled('chromium') },
];

/** Tests are never skipped: what is missing is installed where we may, and asked for where we may not. */
function installMissing(): void {
  const missing = needed.filter(({ isThere }) => !isThere());
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && isInstalled('apt-get')) {
    apt('update');
    for (const { packages } of missing)
      packages.some((name) => apt('install', '-y', '--no-install-recommends', name));
  }
  const still = missing.filter(({ isThere }) => !isThere()).map(({ name }) => name);
  if (still.length > 0) throw new Error(`the tests need: sudo apt-get install -y ${still.join(' ')}`);
}

/** Whether it worked. Run level 1 keeps the package from starting a service of its own. */
function apt(...args: string[]): boolean {
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    execFileSync('apt-get', ['-q', ...args], { stdio: 'inherit', env });
    return true;
  } catch {
    return false;
  }
}
