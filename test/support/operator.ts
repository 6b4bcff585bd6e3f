/** The operator's hands on a store that servers use: the registry in this process, with the same key. */
import { loadSettings } from '../../src/config/load.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { createServices, type Services } from '../../src/services.ts';

/** Seals secrets in every store of the tests. */
export const masterKey = Buffer.alloc(32, 7);

export function openOperator(store: string, publicUrl = 'http://127.0.0.1'): Promise<Services> {
  const settings = loadSettings({ DAYPASS_STORE: store, DAYPASS_URL: publicUrl, DAYPASS_LOG: 'error' });
  return createServices({ ...settings, key: masterKey }, createLogger(settings.logLevel));
}
