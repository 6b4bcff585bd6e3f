import { Failure } from '../../base/errors.ts';
import { loadSettings } from '../../config/load.ts';
import { loadMasterKey } from '../../config/master-key.ts';
import { createLogger } from '../../observability/logger.ts';
import type { RealmView } from '../../registry/model/realm-view.ts';
import type { Actor } from '../../registry/store/change-log.ts';
import { createServices, type Services } from '../../services.ts';

/** Somebody at the command line, as changes are written down. */
export const theOperator: Actor = { kind: 'operator' };

/**
 * Runs `work` on the server's own store and settings, whether or not the server is running; a running one notices
 * changes within 200 ms. Changes are those of an operator. Nothing is logged: a command prints what it has to say.
 */
export async function withServices<T>(work: (services: Services) => Promise<T>): Promise<T> {
  const settings = loadSettings();
  const key = await loadMasterKey(settings);
  const services = await createServices({ ...settings, key }, createLogger('silent'));
  try {
    await services.checkMasterKey();
    const changes = services.registry.by({ kind: 'operator' });
    return await work({ ...services, registry: { ...services.registry, ...changes } });
  } finally {
    await services.close();
  }
}

export async function getRealm({ registry }: Services, name: string): Promise<RealmView> {
  const realm = await registry.findRealm(name);
  if (realm === undefined) throw new Failure('not_found', `realm "${name}" does not exist`);
  return realm;
}

type Page<T> = { readonly items: readonly T[]; readonly next?: string };

const PAGE = 500;

/** All items of a list, read page by page. */
export async function* everyPage<T>(
  list: (page: { limit: number; after?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let after: string | undefined;
  do {
    const page = await list({ limit: PAGE, ...(after !== undefined && { after }) });
    yield* page.items;
    after = page.next;
  } while (after !== undefined);
}
