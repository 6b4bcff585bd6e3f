/** What a change of the registry did, member by member, without secrets and without personal data. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../base/hash.ts';
import type { Change } from '../registry/store/change-log.ts';
import type { AuditEvent } from './audit-event.ts';

export const HIDDEN = '(hidden)';

type Changes = NonNullable<AuditEvent['changes']>;
type Json = Changes[string]['before'];

/** Members of a user whose values are no personal data. All others are hidden. */
const plainOfUser: ReadonlySet<string> = new Set([
  'id',
  'enabled',
  'emailVerified',
  'roles',
  'requiredActions',
  'lockGeneration',
  'updatedAt',
]);

/** Members of realms and clients that are hidden whole: sections of embed products hold keys. */
const hiddenMembers: ReadonlySet<string> = new Set(['compat', 'registered']);

/** Members that are hidden at any depth. The one-letter names are private parts of a key (RFC 7518 §6). */
const SECRET = /secret$|^(password|passwordHash|appliedPassword|d|p|q|dp|dq|qi|k|oth)$/i;

/** A value that takes more is named by its hash. */
const MAX_VALUE = 4096;

/** Every member that changed. Of what was created or removed, every member. */
export function changesOf({ what, before, after }: Change): Changes {
  const [old, now] = [recordOf(before), recordOf(after)];
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  const changes: Changes = {};
  for (const name of names) {
    if (isDeepStrictEqual(old[name], now[name])) continue;
    const isHidden = what === 'user' ? !plainOfUser.has(name) : hiddenMembers.has(name);
    changes[name] = {
      ...(old[name] !== undefined && { before: shown(name, old[name], isHidden) }),
      ...(now[name] !== undefined && { after: shown(name, now[name], isHidden) }),
    };
  }
  return changes;
}

/** As it is stored: absent and undefined members are the same. */
function recordOf(value: object | undefined): Record<string, Json> {
  return value === undefined ? {} : JSON.parse(JSON.stringify(value));
}

function shown(name: string, value: Json, isHidden: boolean): Json {
  if (isHidden || SECRET.test(name)) return HIDDEN;
  const plain = withoutSecrets(value);
  const text = JSON.stringify(plain);
  return text.length <= MAX_VALUE ? plain : `(${text.length} characters, SHA-256 ${sha256(text)})`;
}

function withoutSecrets(value: Json): Json {
  if (Array.isArray(value)) return value.map((one) => withoutSecrets(one) ?? null);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      SECRET.test(name) ? HIDDEN : (withoutSecrets(member) ?? null),
    ]),
  );
}
