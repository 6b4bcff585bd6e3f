/**
 * A person's sessions: lists them, ends one or all others. Ending one notifies the clients that asked for it (OIDC
 * Back-Channel Logout §2.5), and closes its node, which kills every token below it.
 */

import type { Provider, Session } from 'oidc-provider';
import type { RequestSource } from '../../observability/request-source.ts';
import { endSession } from '../../revocation/nodes.ts';
import type { Write } from '../../storage/port/port.ts';
import { tellClient } from '../library/internals.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { sessionsOf } from '../records/record-placement.ts';
import { createSessionRecords, type SessionRecord } from '../records/session-records.ts';

/** Times are seconds since the epoch. */
export type SessionInfo = {
  readonly uid: string;
  readonly startedAt: number;
  readonly agent: string;
  readonly clientIds: readonly string[];
};

/** A program that logs in by password makes a session each time. At most so many are shown, the latest ones. */
const MAX_SHOWN = 100;
export type Sessions = ReturnType<typeof createSessions>;

type SessionsRealm = Pick<RealmContext, 'name' | 'store' | 'events' | 'background' | 'logger'>;

export function createSessions(realm: SessionsRealm, provider: Provider) {
  const { store, name, events } = realm;
  const tellClients = createTeller(realm, provider);
  const records = createSessionRecords(store, name);

  /** `current` and the latest others, the newest first. */
  async function list(userId: string, current?: string): Promise<readonly SessionInfo[]> {
    const uids: string[] = [];
    for await (const page of records.pages(userId)) uids.push(...page);
    const first = current === undefined ? [] : [current];
    const shown = [...new Set([...first, ...uids.slice(-MAX_SHOWN).reverse()])];
    const found = await records.readAll(shown);
    return shown.flatMap((uid, i) => {
      const record = found[i];
      return record === undefined ? [] : { uid, ...describe(record) };
    });
  }

  /** One session with its user; `undefined` for an ended one. */
  async function find(uid: string): Promise<(SessionInfo & { readonly userId: string }) | undefined> {
    const record = await records.read(uid);
    if (record?.accountId === undefined) return undefined;
    return { uid, userId: record.accountId, ...describe(record) };
  }

  /** The user of a session; `undefined` for an ended one. */
  async function ownerOf(uid: string): Promise<string | undefined> {
    return (await records.read(uid))?.accountId;
  }

  /**
   * Idempotent. The session is dead when this resolves; clients are notified in the background. `source`: of the
   * request by which the person ends it, or a client for the person.
   */
  async function end(uid: string, source?: RequestSource): Promise<void> {
    const record = await records.read(uid);
    await close(uid, record?.accountId);
    if (record?.accountId === undefined) return;
    emitEnd(uid, record.accountId, source);
    tellClients(record.accountId, record.authorizations ?? {});
  }

  function emitEnd(session: string, user: string, source: RequestSource | undefined): void {
    if (source !== undefined) events.emit({ type: 'session.ended', realm: name, user, session, source });
  }

  async function close(uid: string, userId: string | undefined): Promise<void> {
    const writes: Write[] = [endSession(name, uid)];
    if (userId !== undefined) writes.push({ unindex: sessionsOf(name, userId), member: uid });
    await store.commit(writes);
  }

  async function endAll(userId: string, except?: string, source?: RequestSource): Promise<void> {
    for await (const page of records.pages(userId)) {
      await Promise.all(page.filter((uid) => uid !== except).map((uid) => end(uid, source)));
    }
  }

  /** Ends a session that the library has loaded. */
  async function endCurrent(session: Session, source: RequestSource): Promise<void> {
    const { uid, accountId, authorizations } = session;
    await session.destroy();
    if (accountId === undefined) return;
    emitEnd(uid, accountId, source);
    tellClients(accountId, authorizations ?? {});
  }

  return { list, find, ownerOf, end, endAll, endCurrent };
}

/** Tells clients in the background that a session of theirs has ended. */
function createTeller(realm: SessionsRealm, provider: Provider) {
  function tellClients(userId: string, authorizations: Record<string, { sid?: string | undefined }>): void {
    for (const [clientId, { sid }] of Object.entries(authorizations)) {
      realm.background.run(() => tell(clientId, userId, sid));
    }
  }

  async function tell(clientId: string, userId: string, sid: string | undefined): Promise<void> {
    try {
      const client = await provider.Client.find(clientId);
      if (client !== undefined) await tellClient(client, userId, sid);
    } catch (error) {
      realm.logger.warn({ realm: realm.name, client: clientId, err: error }, 'back-channel logout failed');
    }
  }

  return tellClients;
}

function describe({ loginTs, iat, agent, authorizations }: SessionRecord) {
  return {
    startedAt: loginTs ?? iat ?? 0,
    agent: agent ?? '',
    clientIds: Object.keys(authorizations ?? {}),
  };
}
