import { z } from 'zod';
import type { Document, Store } from '../../storage/port/port.ts';
import { sessionPointer, sessionsOf } from './record-placement.ts';

const sessionRecord = z.looseObject({
  accountId: z.string().optional(),
  loginTs: z.number().optional(),
  iat: z.number().optional(),
  agent: z.string().optional(),
  authorizations: z
    .record(z.string(), z.looseObject({ sid: z.string().optional(), grantId: z.string().optional() }))
    .optional(),
});

export type SessionRecord = z.infer<typeof sessionRecord>;

const PER_PAGE = 200;

/**
 * Reads the library's session records without the library, by `uid`; only the library knows a session's identifier.
 */
export function createSessionRecords(store: Store, realm: string) {
  /** The uids of all sessions of a user, page by page; those that end first come first. */
  async function* pages(userId: string): AsyncGenerator<readonly string[]> {
    let after: string | undefined;
    do {
      const from = after === undefined ? {} : { after };
      const page = await store.list(sessionsOf(realm, userId), { limit: PER_PAGE, ...from });
      yield page.members;
      after = page.next;
    } while (after !== undefined);
  }

  /** The records in the order of `uids`, in two round trips; `undefined` for an ended session. */
  async function readAll(uids: readonly string[]): Promise<readonly (SessionRecord | undefined)[]> {
    if (uids.length === 0) return [];
    const pointers = await store.read(uids.map((uid) => sessionPointer(realm, uid)));
    const ids = pointers.map((pointer) => pointer?.value ?? '');
    const documents = await store.read(ids.map((id) => ({ realm, kind: 'session', id })));
    return documents.map(parse);
  }

  async function read(uid: string): Promise<SessionRecord | undefined> {
    return (await readAll([uid]))[0];
  }

  return { pages, readAll, read };
}

function parse(document: Document | undefined): SessionRecord | undefined {
  if (document === undefined || document.cut) return undefined;
  const parsed = sessionRecord.safeParse(JSON.parse(document.value));
  return parsed.success ? parsed.data : undefined;
}
