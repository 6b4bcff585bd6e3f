/**
 * Documents without an expiry that other rooms keep for a realm. They are on a list, so that they are removed with
 * the realm.
 */
import type { Key, Store, Write } from '../../storage/port/port.ts';

const keptIndex = (realm: string): Key => ({ realm, kind: 'kept', id: 'all' });

/** The write that belongs into the commit that puts the document. */
export function keepForRealm({ realm, kind, id }: Key): Write {
  return { index: keptIndex(realm), member: `${kind}:${id}` };
}

/** The write that belongs into the commit that gives the document an expiry. */
export function releaseFromRealm({ realm, kind, id }: Key): Write {
  return { unindex: keptIndex(realm), member: `${kind}:${id}` };
}

const BATCH = 100;

export async function removeKept(store: Store, realm: string): Promise<void> {
  for (;;) {
    const { members } = await store.list(keptIndex(realm), { limit: BATCH });
    if (members.length === 0) return;
    const writes = members.flatMap((member): Write[] => {
      const at = member.indexOf(':');
      return [
        { remove: { realm, kind: member.slice(0, at), id: member.slice(at + 1) } },
        { unindex: keptIndex(realm), member },
      ];
    });
    await store.commit(writes);
  }
}
