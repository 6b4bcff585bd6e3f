/** Composition root, part 1: everything but HTTP. */
import { availableParallelism } from 'node:os';
import { systemClock } from './base/clock.ts';
import { createWorkQueue } from './base/work-queue.ts';
import type { Settings } from './config/settings.ts';
import { createGuests } from './guest/guests.ts';
import { createKeyRing } from './keys/key-ring.ts';
import { createSealer } from './keys/seal.ts';
import type { Logger } from './observability/logger.ts';
import { createLogin } from './registry/login.ts';
import { createPasswords } from './registry/passwords.ts';
import { createRegistry } from './registry/registry.ts';
import { openStore } from './storage/open.ts';
import { type CutListener, createCutFeed, tellingCuts } from './tokens/cuts.ts';

export type Services = Awaited<ReturnType<typeof createServices>>;

/** Password hashes are computed by all cores, which the workers share; beyond this many waiting for each, logins are turned away (503). */
const WAITING_PER_CORE = 64;

export async function createServices(settings: Settings & { readonly key: Buffer }, logger: Logger) {
  const clock = systemClock;
  const store = tellingCuts(await openStore(settings.store, { clock, logger }));
  const sealer = createSealer(settings.key);
  const concurrency = Math.max(1, Math.floor(availableParallelism() / settings.workers));
  const queue = createWorkQueue({ concurrency, maxWaiting: WAITING_PER_CORE * concurrency });
  const passwords = createPasswords({ queue });
  const registry = createRegistry({ store, clock, seal: sealer, passwords, logger });
  const keyRing = createKeyRing({ store, clock, sealer, logger });
  const login = createLogin({ store, registry, passwords });
  const guests = createGuests({ store, clock });
  const hearCuts = (listener: CutListener) => createCutFeed(store, listener);

  async function close(): Promise<void> {
    registry.close();
    keyRing.stop();
    await store.close();
  }

  return {
    settings,
    logger,
    clock,
    store,
    sealer,
    passwords,
    registry,
    keyRing,
    login,
    guests,
    hearCuts,
    close,
  };
}
