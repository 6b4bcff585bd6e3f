import type { Logger } from '../observability/logger.ts';
import { storeAddress } from './port/address.ts';
import type { BackupPort } from './port/backup.ts';

/** Opens the store that an address names, for a backup or a restore alone. */
export async function openBackup(url: string, logger: Logger): Promise<BackupPort> {
  const address = storeAddress(url);
  if (address.engine === 'redis') {
    const { openRedisBackup } = await import('./redis/backup.ts');
    return openRedisBackup(address, logger);
  }
  const { openEmbeddedBackup } = await import('./embedded/backup.ts');
  return openEmbeddedBackup(address);
}
