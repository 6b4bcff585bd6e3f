import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { openStore } from '../../src/storage/open.ts';
import type { Store } from '../../src/storage/port/port.ts';
import { startRedis } from '../support/redis.ts';

async function start(...[options]: Parameters<typeof startRedis>) {
  const server = await startRedis(options);
  onTestFinished(() => server.stop());
  return server;
}

async function open(url: string): Promise<Store> {
  const store = await openStore(url, { clock: systemClock, logger: createLogger('silent') });
  onTestFinished(() => store.close());
  return store;
}

it('warns of settings under which tokens would be lost or revived', async () => {
  const fine = await start({ appendonly: true });
  const bad = await start({ args: ['--maxmemory-policy', 'allkeys-lru'] });
  const forbidden = await start({ args: ['--rename-command', 'CONFIG', ''] });
  const denied = await start({
    args: ['--user', 'default', 'on', 'nopass', '~*', '&*', '+@all', '-config'],
  });

  const warnings = await Promise.all(
    [fine, bad, forbidden, denied].map(async ({ url }) => (await open(url)).warnings()),
  );

  const uncheckable = [
    expect.stringMatching(/could not check.*appendonly/),
    expect.stringMatching(/could not check.*maxmemory-policy/),
  ];
  expect(warnings).toEqual([
    [],
    [expect.stringMatching(/appendonly no/), expect.stringMatching(/maxmemory-policy allkeys-lru/)],
    uncheckable,
    uncheckable,
  ]);
});
