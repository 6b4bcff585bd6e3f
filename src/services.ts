/** Composition root, part 1: everything but HTTP. */

import { type AuditLog, type AuditLogDeps, createAuditLog, DEFAULT_DAYS } from './audit/audit-log.ts';
import { auditedTypes } from './audit/from-events.ts';
import { createAuthenticator } from './authn/authenticator.ts';
import { createLockout } from './authn/lockout.ts';
import { createPasswordLinks } from './authn/password-links.ts';
import { createBackground } from './base/background.ts';
import { type Clock, systemClock } from './base/clock.ts';
import { hmac } from './base/hash.ts';
import { checkRealmDocument } from './config/realm-checks.ts';
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
import { createRegistry, type Registry } from './registry/registry.ts';
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
import { facades } from './surfaces/facades/facades.ts';
import { isNarrowerSection } from './surfaces/facades/section-change.ts';

/** The embed products, with the schemas of their sections. */
const products = facades.map(({ name, section }) => ({ name, schema: section.schema }));

/** What of a change takes something away, where the registry cannot tell. */
const narrowing: Narrowing = { mints: isNarrowerCeiling, section: isNarrowerSection };

export type Services = Awaited<ReturnType<typeof createServices>>;

export async function createServices(settings: Settings & { readonly key: Buffer }, logger: Logger) {
  const clock = systemClock;
  const background = createBackground();
  const events = createEventSink(logger);
  events.subscribe(logEvents(logger), loggedTypes);
  const { store, storeAheadMs, ...watched } = await openWatchedStore(settings, { clock, logger, events });
  const shared = { store, clock, logger, events };
  const figures = createFigures({ ...shared, background });
  const sealer = createSealer(settings.key);
  const passwords = createPasswords({ queue: createPasswordQueue(settings.workers) });
  const audit = openAudit({ ...settings, ...shared, digest: sealer.digest }, () => registry);
  const { changeLog } = audit;
  const registry: Registry = createRegistry({
    ...shared,
    seal: sealer,
    passwords,
    removedWith: (realm) => [...ringRemoval(realm), ...figures.removal(realm)],
    stopping: background.stopping,
    changeLog,
    narrowing,
  });
  const keyRing = createKeyRing({ store, clock, sealer, events, signedUntil: LONGEST_LIFE });
  const guests = createGuests({ ...shared, storeAheadMs });
  const limits = limitsOf(settings, shared);
  const authenticator = createAuthenticator({ ...shared, ...limits, registry, passwords });

  /** Rejects when the store was sealed with another master key. To be called before anything is written. */
  const checkMasterKey = () => checkSeal({ store, sealer });

  async function close(): Promise<void> {
    await background.close();
    await guests.settled();
    await audit.flush(true);
    registry.close();
    keyRing.stop();
    await figures.flushAll();
    await store.close();
  }

  return {
    settings,
    ...shared,
    storeAheadMs,
    background,
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
    audit,
    checkRealm: checkRealmDocument,
    products,
    narrowing,
    ...limits,
    subscribeRevocations: (listener: RevocationListener) => createRevocationFeed(store, listener),
    ...watched,
    close,
  };
}

/** The registry rests on the audit log, and the log asks the registry how long a realm keeps events. */
function openAudit(deps: Omit<AuditLogDeps, 'daysOf'>, registry: () => Registry): AuditLog {
  const audit = createAuditLog({
    ...deps,
    daysOf: async (realm) => (await registry().findRealm(realm))?.audit.days ?? DEFAULT_DAYS,
  });
  deps.events.subscribe(audit.hear, auditedTypes);
  return audit;
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
