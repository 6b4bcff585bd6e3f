/** The steps that `serve` begins and ends with. */
import { once } from 'node:events';
import { Failure, isFailure } from '../base/errors.ts';
import { ConfigFaults } from '../config/faults.ts';
import { loadMasterKey } from '../config/master-key.ts';
import type { LoadedRealm } from '../config/realm-files.ts';
import type { Settings } from '../config/settings.ts';
import type { Logger } from '../observability/logger.ts';
import type { Services } from '../services.ts';

export async function openServices(settings: Settings, logger: Logger): Promise<Services> {
  const [key, { createServices }] = await Promise.all([loadMasterKey(settings), import('../services.ts')]);
  return createServices({ ...settings, key }, logger);
}

/** `onNew` hears of every realm that was not there before. */
export async function applyRealms(
  { registry, logger }: Services,
  realms: readonly LoadedRealm[],
  onNew?: (realm: string) => void,
): Promise<void> {
  for (const { name, file } of realms) {
    const { created, updated } = await registry.applyRealm(file);
    if (created.length + updated.length > 0)
      logger.info({ realm: name, created, updated }, 'realm file applied');
    if (created.includes(`realm ${name}`)) onNew?.(name);
  }
}

export async function logWarnings({ store, logger }: Services): Promise<void> {
  try {
    for (const warning of await store.warnings()) logger.warn(warning);
  } catch (error) {
    if (!isFailure(error, 'unavailable')) throw error;
    logger.warn('could not ask the store how it is set up');
  }
}

/** Resolves at SIGTERM or SIGINT. */
export async function toldToStop(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EACCES: 'may not be listened on by this user',
  EADDRNOTAVAIL: 'is not an address of this machine (HOST)',
  ENOTFOUND: 'is not an address of this machine (HOST)',
};

/** What an operator reads instead of a stack, when the failure is one that an operator can mend. */
export function explainStart(error: unknown): string | undefined {
  if (isFailure(error, 'unavailable'))
    return `${error.message}: is it running, and is DAYPASS_STORE its address?`;
  if (error instanceof ConfigFaults || error instanceof Failure) return error.message;
  if (!(error instanceof Error)) return undefined;
  const { code, address, port } = { code: '', address: '', port: '', ...error };
  const reason = reasons[code];
  if (reason === undefined) return undefined;
  return `${address}:${port} ${reason}: set PORT, HOST or DAYPASS_ADMIN_PORT to change it`;
}
