/** Composition root, part 1: everything but HTTP. */
import { availableParallelism } from 'node:os';
import { createBackground } from './base/background.ts';
import { systemClock } from './base/clock.ts';
import { createWorkQueue } from './base/work-queue.ts';
import type { Settings } from './config/settings.ts';
import { isNarrowerSection } from './facades/section-change.ts';
import { isNarrowerCeiling } from './guest/ceiling-change.ts';
import { createGuests } from './guest/guests.ts';
import { createKeyRing } from './keys/key-ring.ts';
import { ringRemoval } from './keys/ring-records.ts';
import { createSealer } from './keys/seal.ts';
import { checkSeal } from './keys/seal-check.ts';
import type { Logger } from './observability/logger.ts';
import { createLogin } from './registry/login.ts';
import { LONGEST_LIFE } from './registry/model.ts';
import { createPasswords } from './registry/passwords.ts';
import { createRegistry } from './registry/registry.ts';
import { openStore } from './storage/open.ts';

export type Services = Awaited<ReturnType<typeof createServices>>;

/** Password hashes are computed by all cores, which the workers share; beyond this many waiting for each, logins are turned away (503). */
const WAITING_PER_CORE = 64;

export async function createServices(settings: Settings & { readonly key: Buffer }, logger: Logger) {
  const clock = systemClock;
  const background = createBackground();
  const store = await openStore(settings.store, { clock, logger });
  const sealer = createSealer(settings.key);
  const concurrency = Math.max(1, Math.floor(availableParallelism() / settings.workers));
  const queue = createWorkQueue({ concurrency, maxWaiting: WAITING_PER_CORE * concurrency });
  const passwords = createPasswords({ queue });
  const registry = createRegistry({
    store,
    clock,
    seal: sealer,
    passwords,
    logger,
    removedWith: ringRemoval,
    narrowing: { mints: isNarrowerCeiling, section: isNarrowerSection },
  });
  const keyRing = createKeyRing({ store, clock, sealer, logger, signedUntil: LONGEST_LIFE });
  const login = createLogin({ store, registry, passwords });
  const guests = createGuests({ store, clock });

  /** Rejects when the store was sealed with another master key: to be asked before anything is written. */
  const checkMasterKey = () => checkSeal({ store, sealer });

  async function close(): Promise<void> {
    await background.close();
    registry.close();
    keyRing.stop();
    await store.close();
  }

  return {
    settings,
    logger,
    clock,
    background,
    store,
    sealer,
    passwords,
    registry,
    keyRing,
    login,
    guests,
    checkMasterKey,
    close,
  };
}
