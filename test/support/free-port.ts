import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below what kernels hand out by themselves (32,768 on Linux, 49,152 elsewhere), so that no connection takes it. */
const LOWEST = 11_000;
const HIGHEST = 32_000;

/** A loopback port that nobody listens on, for a server that has to know its address before it listens. */
export async function freePort(): Promise<number> {
  const port = randomInt(LOWEST, HIGHEST);
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return freePort();
  }
  probe.close();
  await once(probe, 'close');
  return port;
}
