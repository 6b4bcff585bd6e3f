import type { Stamp, Write } from '../../storage/port/port.ts';
import type { User } from '../model/model.ts';
import { userEffects } from './effects.ts';
import { type Codec, loginKey, loginMember, loginsIndex, loginsOf, userKey, usersIndex } from './records.ts';

/** A user as stored. */
export type StoredUser = { readonly value: User; readonly stamp: Stamp };

/**
 * The writes of one change. They are refused when the stored user is not what `before` says, or when a name that the
 * user is to log in with belongs to somebody else. One of `before` and `after` is present.
 */
export function userWrites(
  codec: Codec,
  realm: string,
  { before, after }: { before: StoredUser | undefined; after: User | undefined },
): readonly Write[] {
  const value = after ?? before?.value;
  if (value === undefined) return [];
  const key = userKey(realm, value.id);
  const effects = userEffects(realm, value.id, { before: before?.value, after });
  const put: Write = { put: key, value: codec.encodeUser(value), onlyIf: before?.stamp ?? 'absent' };
  if (after === undefined) return [put, ...userRemoval(realm, value), ...effects];
  const index = before === undefined ? [{ index: usersIndex(realm), member: value.id }] : [];
  return [put, ...pointerWrites(realm, before?.value, after), ...index, ...effects];
}

export function userRemoval(realm: string, user: User): readonly Write[] {
  const pointers = loginsOf(user).flatMap((login): Write[] => [
    { remove: loginKey(realm, login) },
    { unindex: loginsIndex(realm), member: loginMember(login, user.id) },
  ]);
  return [{ remove: userKey(realm, user.id) }, ...pointers, { unindex: usersIndex(realm), member: user.id }];
}

function pointerWrites(realm: string, before: User | undefined, after: User): readonly Write[] {
  const old = before === undefined ? [] : loginsOf(before);
  const wanted = loginsOf(after);
  return [
    ...wanted
      .filter((login) => !old.includes(login))
      .map((login): Write => ({ put: loginKey(realm, login), value: after.id, onlyIf: 'absent' })),
    ...old
      .filter((login) => !wanted.includes(login))
      .flatMap((login): Write[] => [
        { remove: loginKey(realm, login) },
        { unindex: loginsIndex(realm), member: loginMember(login, after.id) },
      ]),
    // Of all names: an earlier version kept no such index.
    ...wanted.map((login): Write => ({ index: loginsIndex(realm), member: loginMember(login, after.id) })),
  ];
}
