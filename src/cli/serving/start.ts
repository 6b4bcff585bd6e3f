/** The steps that `serve` begins and ends with. */
import { once } from 'node:events';
import { isFailure } from '../../base/errors.ts';
import { loadMasterKey } from '../../config/master-key.ts';
import type { LoadedRealm } from '../../config/realm-files.ts';
import type { Settings } from '../../config/settings.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Services } from '../../services.ts';
import { setUpLink } from '../../surfaces/admin/start/administrators.ts';

export async function openServices(settings: Settings, logger: Logger): Promise<Services> {
  const [key, { createServices }] = await Promise.all([loadMasterKey(settings), import('../../services.ts')]);
  return createServices({ ...settings, key }, logger);
}

/**
 * Checks and warnings of the store before anything is served from it. `onNew` is called for every realm that did not
 * exist before.
 */
export async function applyRealms(
  { registry, logger, checkMasterKey }: Services,
  realms: readonly LoadedRealm[],
  onNew?: (realm: string) => void,
): Promise<void> {
  await checkMasterKey();
  for (const { name, file } of realms) {
    const { created, updated } = await registry.applyRealm(file);
    if (created.length + updated.length > 0) {
      const changes = { created: withoutPeople(created), updated: withoutPeople(updated) };
      logger.info({ realm: name, ...changes }, 'realm file applied');
    }
    if (created.includes(`realm ${name}`)) onNew?.(name);
  }
}

/**
 * The log has the number of users, not their names: logs are kept elsewhere, and longer than these people may want.
 */
function withoutPeople(labels: readonly string[]): readonly string[] {
  const others = labels.filter((label) => !label.startsWith('user '));
  const people = labels.length - others.length;
  return people === 0 ? others : [...others, people === 1 ? '1 user' : `${people} users`];
}

/**
 * Prints, on a production server that nobody administers, the link by which the first administrator signs up. It is no
 * line of the log: it is as good as a password.
 */
export async function offerSetUp({ settings, ...services }: Services): Promise<void> {
  if (!settings.production) return;
  const link = await setUpLink({ ...settings, ...services });
  if (link === undefined) return;
  process.stdout.write(
    `\nNobody administers this server yet. Within 30 minutes, and once, choose a password for "admin" at\n  ${link}\n` +
      'Or run: daypass admin create --user <name>\n\n',
  );
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
