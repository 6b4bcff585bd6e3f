/**
 * Documents and members of indexes without an expiry that other rooms keep for a realm. They are on a list, so that
 * they are removed with the realm.
 */
import { z } from 'zod';
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

/** The write that belongs into the commit that adds the member. */
export function keepMemberForRealm(index: Key, member: string): Write {
  return { index: keptIndex(index.realm), member: listedMember(index, member) };
}

/** The write that belongs into the commit that takes the member out. */
export function releaseMemberFromRealm(index: Key, member: string): Write {
  return { unindex: keptIndex(index.realm), member: listedMember(index, member) };
}

/** No kind of a document begins with a bracket. */
function listedMember({ kind, id }: Key, member: string): string {
  return JSON.stringify([kind, id, member]);
}

const memberParts = z.tuple([z.string(), z.string(), z.string()]);

function removalOf(realm: string, listed: string): Write {
  if (listed.startsWith('[')) {
    const [kind, id, member] = memberParts.parse(JSON.parse(listed));
    return { unindex: { realm, kind, id }, member };
  }
  const at = listed.indexOf(':');
  return { remove: { realm, kind: listed.slice(0, at), id: listed.slice(at + 1) } };
}

const BATCH = 100;

/** Removes some of them. `false` when none was left. */
export async function removeSomeKept(store: Store, realm: string): Promise<boolean> {
  const { members } = await store.list(keptIndex(realm), { limit: BATCH });
  if (members.length === 0) return false;
  const writes = members.flatMap((member): Write[] => [
    removalOf(realm, member),
    { unindex: keptIndex(realm), member },
  ]);
  await store.commit(writes);
  return true;
}
