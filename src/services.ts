/** Composition root, part 1: everything but HTTP. */

import { createAuthenticator } from './authn/authenticator.ts';
import { createLockout } from './authn/lockout.ts';
import { createPasswordLinks } from './authn/password-links.ts';
import { createBackground } from './base/background.ts';
import { type Clock, systemClock } from './base/clock.ts';
import { hmac } from './base/hash.ts';
import { checkRealmDocument } from './config/realm-files.ts';
import type { Settings } from './config/settings.ts';
import { createGuests } from './guest/guests.ts';
import { isNarrowerCeiling } from './guest/limits/ceiling-change.ts';
import { createKeyRing } from './keys/key-ring.ts';
import { ringRemoval } from './keys/ring-records.ts';
import { createSealer } from './keys/seal.ts';
import { checkSeal } from './keys/seal-check.ts';
import { createBruteForceGuard } from './limits/brute-force.ts';
import { createQuotas } from './limits/quotas.ts';
import { logEvents, loggedTypes } from './observability/event-log.ts';
import { createEventSink, type EventSink } from './observability/events.ts';
import type { Logger } from './observability/logger.ts';
import { createPasswordQueue, createPasswords } from './registry/passwords/passwords.ts';
import { createRegistry } from './registry/registry.ts';
import { unrecorded } from './registry/store/change-log.ts';
import type { Narrowing } from './registry/store/effects.ts';
import { realmsIndex } from './registry/store/records.ts';
import { createRevocationFeed, publishingRevocations, type RevocationListener } from './revocation/cuts.ts';
import { LONGEST_LIFE } from './revocation/life.ts';
import { createFigures } from './stats/figures.ts';
import { watchClock } from './storage/clock-watch.ts';
import { openStore } from './storage/open.ts';
import type { Store } from './storage/port/port.ts';
import { createReadiness } from './storage/readiness.ts';
import { watchTroubles } from './storage/trouble-watch.ts';
import { isNarrowerSection } from './surfaces/facades/section-change.ts';

/** What of a change takes something away, where the registry cannot tell. */
export const narrowing: Narrowing = { mints: isNarrowerCeiling, section: isNarrowerSection };

export type Services = Awaited<ReturnType<typeof createServices>>;

export async function createServices(settings: Settings & { readonly key: Buffer }, logger: Logger) {
  const clock = systemClock;
  const background = createBackground();
  const events = createEventSink(logger);
  events.subscribe(logEvents(logger), loggedTypes);
  const { store, storeAheadMs, ...watched } = await openWatchedStore(settings, { clock, logger, events });
  const figures = createFigures({ store, clock, events, background, logger });
  const sealer = createSealer(settings.key);
  const passwords = createPasswords({ queue: createPasswordQueue(settings.workers) });
  const changeLog = unrecorded;
  const registry = createRegistry({
    store,
    clock,
    seal: sealer,
    passwords,
    logger,
    events,
    removedWith: (realm) => [...ringRemoval(realm), ...figures.removal(realm)],
    stopping: background.stopping,
    changeLog,
    narrowing,
  });
  const keyRing = createKeyRing({ store, clock, sealer, events, signedUntil: LONGEST_LIFE });
  const guests = createGuests({ store, clock, storeAheadMs, logger, events });
  const limits = limitsOf(settings, { store, clock, logger });
  const { bruteForce } = limits;
  const authenticator = createAuthenticator({ store, registry, passwords, bruteForce, events });

  /** Rejects when the store was sealed with another master key. To be called before anything is written. */
  const checkMasterKey = () => checkSeal({ store, sealer });

  async function close(): Promise<void> {
    await background.close();
    registry.close();
    keyRing.stop();
    await guests.settled();
    await figures.flushAll();
    await store.close();
  }

  return {
    settings,
    logger,
    events,
    clock,
    storeAheadMs,
    background,
    store,
    sealer,
    passwords,
    passwordLinks: createPasswordLinks({ store, clock }),
    registry,
    keyRing,
    authenticator,
    guests,
    figures,
    checkMasterKey,
    changeLog,
    checkRealm: checkRealmDocument,
    ...limits,
    subscribeRevocations: (listener: RevocationListener) => createRevocationFeed(store, listener),
    ...watched,
    close,
  };
}

type Limiting = { readonly store: Store; readonly clock: Clock; readonly logger: Logger };

function limitsOf({ key }: { readonly key: Buffer }, { store, clock, logger }: Limiting) {
  return {
    bruteForce: createBruteForceGuard({ store, clock, logger, key: guessKey(key) }),
    quotas: createQuotas({ store, clock }),
    lockout: createLockout(store),
  };
}

type Watching = { readonly clock: Clock; readonly logger: Logger; readonly events: EventSink };

/** The store, and what is known of its state. */
async function openWatchedStore({ store: address }: Settings, { clock, logger, events }: Watching) {
  const troubles = watchTroubles(await openStore(address, { clock, logger }), logger);
  const { store, storeAheadMs } = watchClock(troubles.store, { clock, logger });
  return {
    store: publishingRevocations(store, events),
    storeAheadMs,
    readiness: createReadiness({ ...troubles, store, clock, content: realmsIndex }),
    onStoreTrouble: troubles.onTrouble,
  };
}

/** Wrong values are told apart by it, in every process alike. */
function guessKey(masterKey: Buffer): Buffer {
  return Buffer.from(hmac(masterKey, 'wrong values'), 'base64url');
}
