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

/** Sessions as the library wrote them, read without it: by their `uid`, of which it alone knows the identifier. */
export function createSessionRecords(store: Store, realm: string) {
  /** Uids of all sessions of a user, those that will end first at the beginning, a page at a time. */
  async function* pages(userId: string): AsyncGenerator<readonly string[]> {
    let after: string | undefined;
    do {
      const from = after === undefined ? {} : { after };
      const page = await store.list(sessionsOf(realm, userId), { limit: PER_PAGE, ...from });
      yield page.members;
      after = page.next;
    } while (after !== undefined);
  }

  /** In the order of `uids`, in two round trips; `undefined` for what has ended. */
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
