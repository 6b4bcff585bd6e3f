/**
 * A person's sessions: list them, end one, end all others. Ending one tells the clients that asked to be told
 * (OIDC Back-Channel Logout §2.5) and closes its node, which kills every token below it.
 */
import type { Provider, Session } from 'oidc-provider';
import { z } from 'zod';
import type { Write } from '../storage/store.ts';
import { endSession } from '../tokens/nodes.ts';
import { sendLogoutToken } from './internals.ts';
import type { RealmContext } from './realm-context.ts';
import { sessionsOf } from './record-placement.ts';

/** Times are seconds since the epoch. */
export type SessionInfo = {
  readonly uid: string;
  readonly startedAt: number;
  readonly agent: string;
  readonly clientIds: readonly string[];
};

/** Sessions shown and ended at once; nobody has more than a few. */
const MAX_SESSIONS = 200;

const sessionRecord = z.looseObject({
  accountId: z.string().optional(),
  loginTs: z.number().optional(),
  iat: z.number().optional(),
  agent: z.string().optional(),
  authorizations: z.record(z.string(), z.looseObject({ sid: z.string().optional() })).optional(),
});

export type Sessions = ReturnType<typeof createSessions>;

export function createSessions(realm: RealmContext, provider: Provider) {
  const { store, name } = realm;

  async function list(userId: string): Promise<readonly SessionInfo[]> {
    const { members } = await store.list(sessionsOf(name, userId), { limit: MAX_SESSIONS });
    const found = await Promise.all(members.map(describe));
    return found.filter((info) => info !== undefined);
  }

  async function describe(uid: string): Promise<SessionInfo | undefined> {
    const record = await read(uid);
    if (record === undefined) return undefined;
    return {
      uid,
      startedAt: record.loginTs ?? record.iat ?? 0,
      agent: record.agent ?? '',
      clientIds: Object.keys(record.authorizations ?? {}),
    };
  }

  async function read(uid: string) {
    const [pointer] = await store.read([{ realm: name, kind: 'session-uid', id: uid }]);
    if (pointer === undefined) return undefined;
    const [document] = await store.read([{ realm: name, kind: 'session', id: pointer.value }]);
    if (document === undefined || document.cut) return undefined;
    const parsed = sessionRecord.safeParse(JSON.parse(document.value));
    return parsed.success ? parsed.data : undefined;
  }

  /** Idempotent. The session is dead when this resolves; clients are told in the background. */
  async function end(uid: string): Promise<void> {
    const record = await read(uid);
    await close(uid, record?.accountId);
    if (record?.accountId !== undefined) tellClients(record.accountId, record.authorizations ?? {});
  }

  async function close(uid: string, userId: string | undefined): Promise<void> {
    const writes: Write[] = [endSession(name, uid)];
    if (userId !== undefined) writes.push({ unindex: sessionsOf(name, userId), member: uid });
    await store.commit(writes);
  }

  async function endAll(userId: string, except?: string): Promise<void> {
    const { members } = await store.list(sessionsOf(name, userId), { limit: MAX_SESSIONS });
    await Promise.all(members.filter((uid) => uid !== except).map(end));
  }

  /** A session that the library holds in its hands at this moment. */
  async function endCurrent(session: Session): Promise<void> {
    const { accountId, authorizations } = session;
    await session.destroy();
    if (accountId !== undefined) tellClients(accountId, authorizations ?? {});
  }

  function tellClients(userId: string, authorizations: Record<string, { sid?: string | undefined }>): void {
    for (const [clientId, { sid }] of Object.entries(authorizations)) {
      tellClient(clientId, userId, sid).catch((error: unknown) =>
        realm.logger.warn(
          { realm: name, client: clientId, error: messageOf(error) },
          'back-channel logout failed',
        ),
      );
    }
  }

  async function tellClient(clientId: string, userId: string, sid: string | undefined): Promise<void> {
    const client = await provider.Client.find(clientId);
    if (client?.backchannelLogoutUri !== undefined) await sendLogoutToken(client, userId, sid);
  }

  return { list, end, endAll, endCurrent, close };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
