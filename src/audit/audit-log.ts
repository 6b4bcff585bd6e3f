/**
 * The audit log: who did what to which realm, client, user or token, from where, with which outcome. Changes of the
 * registry are written in the commit of the change, deeds before they are done; everything else is gathered for a
 * moment and written behind the answer. docs/audit.md says what is written, and what a crash can lose.
 */
import { randomValue } from '../base/random.ts';
import type { EventListener, EventSink } from '../observability/events.ts';
import type { Logger } from '../observability/logger.ts';
import type { Change, ChangeLog } from '../registry/store/change-log.ts';
import type { AuditDraft } from './audit-event.ts';
import type { ChainDeps } from './chain.ts';
import { draftOfChange, draftOfDeed } from './from-changes.ts';
import { draftOf } from './from-events.ts';
import { createRealmLog, type RealmLog } from './realm-log.ts';
import { type AuditFilter, type AuditPage, type AuditPageRequest, searchAudit } from './search.ts';
import { type Verification, verifyAudit } from './verify.ts';

export type AuditLogDeps = ChainDeps & {
  readonly logger: Logger;
  readonly events: EventSink;
  /** How many days events of a realm are kept. */
  readonly daysOf: (realm: string) => Promise<number>;
  /** The realm whose administrators see all realms: it also hears which realms are created and removed. */
  readonly adminRealm: string;
};

export type AuditLog = ReturnType<typeof createAuditLog>;

/** For a realm that does not exist (any more). */
export const DEFAULT_DAYS = 90;

/** Realms with events lately, whose chains are remembered. */
export const MAX_REALMS = 2000;

export function createAuditLog(deps: AuditLogDeps) {
  const realms = new Map<string, RealmLog>();
  const newId = eventIds();

  /** The one used last stands last. */
  function logOf(realm: string): RealmLog {
    const found = realms.get(realm) ?? createRealmLog(realmDeps(realm), realm);
    realms.delete(realm);
    realms.set(realm, found);
    if (realms.size > MAX_REALMS) forgetIdle();
    return found;
  }

  /** A realm that is forgotten begins a new chain with its next event: nothing is lost. */
  function forgetIdle(): void {
    for (const [realm, log] of realms) {
      if (realms.size <= MAX_REALMS) return;
      if (log.isIdle()) realms.delete(realm);
    }
  }

  function realmDeps(realm: string) {
    return {
      ...deps,
      newId,
      onLost: (lost: { readonly reason: 'store' | 'rate'; readonly count: number }) =>
        deps.events.emit({ type: 'audit.lost', realm, ...lost }),
      onTrouble: (error: unknown) =>
        deps.logger.error({ realm, err: error }, 'events of the audit log wait to be written'),
    };
  }

  const hear: EventListener = (event) => {
    const draft = draftOf(event);
    if (draft !== undefined) logOf(event.realm).add(draft);
  };

  const changeLog: ChangeLog = {
    note: (deed) => logOf(deed.realm).write([draftOfDeed(deed)]),
    async record({ realm, actor, changes }, commit) {
      const drafts = changes.map((change) => draftOfChange(realm, actor, change));
      const outcome = await logOf(realm).writeWith(drafts, { days: daysSetBy(changes), commit });
      if (outcome.ok && realm !== deps.adminRealm) {
        for (const { changes: _, ...draft } of drafts.filter(isOfAllRealms)) {
          logOf(deps.adminRealm).add(draft);
        }
      }
      return outcome;
    },
  };

  /** Resolves when everything that waits has been written, or could not be. */
  async function flush(isLast = false): Promise<void> {
    await Promise.all([...realms.values()].map((log) => log.flush(isLast)));
  }

  /** A page of events, newest first; those of this process up to now included (search.ts). */
  async function search(realm: string, filter: AuditFilter, page: AuditPageRequest): Promise<AuditPage> {
    await realms.get(realm)?.flush();
    return searchAudit(deps, realm, filter, page);
  }

  /** Whether the log of a realm is whole (verify.ts). */
  async function verify(realm: string): Promise<Verification> {
    await realms.get(realm)?.flush();
    return verifyAudit(deps, realm);
  }

  return { hear, changeLog, flush, search, verify };
}

/** What the change itself says of how long events are kept: the realm may not be there yet. */
function daysSetBy(changes: readonly Change[]): number | undefined {
  const settings = changes.find(({ what }) => what === 'realm')?.after;
  const audit = settings !== undefined && 'audit' in settings ? settings.audit : undefined;
  const days = typeof audit === 'object' && audit !== null && 'days' in audit ? audit.days : undefined;
  return typeof days === 'number' ? days : undefined;
}

function isOfAllRealms({ kind }: AuditDraft): boolean {
  return kind === 'realm.created' || kind === 'realm.removed';
}

/** Random for each process, then counted: an id costs nothing. */
function eventIds(): () => string {
  const prefix = randomValue().slice(0, 16);
  let count = 0;
  return () => {
    count += 1;
    return `${prefix}-${count}`;
  };
}
