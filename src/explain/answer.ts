/** What an explanation says. It is for administrators: nothing of it is ever told to a client. */
import { z } from 'zod';

export const reason = z.strictObject({
  /** A closed name, such as `token.expired`. */
  rule: z.string(),
  /** For people: what holds, and what would have to be changed. */
  detail: z.string(),
  /** Where the setting lies that decides, from the realm: `clients[dc-ui].redirectUris`. */
  setting: z.string().optional(),
  /** Who gave the setting its value, as far as the audit log goes back. */
  changed: z
    .strictObject({
      time: z.iso.datetime(),
      by: z.strictObject({ kind: z.string(), id: z.string().optional(), realm: z.string().optional() }),
      requestId: z.string().optional(),
    })
    .optional(),
});

export const explanation = z.strictObject({
  /** What would happen, or happened. */
  verdict: z.enum(['active', 'inactive', 'allowed', 'narrowed', 'refused']),
  /** The first one decides. Empty where nothing speaks against it. */
  reasons: z.array(reason),
  /** What was looked at, without any secret. */
  about: z.record(z.string(), z.json()),
});

export type Explanation = z.output<typeof explanation>;

/** The thing that a setting belongs to, and the member of it. */
export type Setting = {
  readonly what: 'realm' | 'client' | 'user';
  readonly id?: string;
  readonly member: string;
};

/** A reason before it is known who made it one. */
export type Reason = Omit<z.output<typeof reason>, 'changed'> & { readonly of?: Setting };

/** The same as an explanation, of such reasons. */
export type Draft = Omit<Explanation, 'reasons'> & { readonly reasons: readonly Reason[] };

export type Decided = Required<Pick<Reason, 'setting' | 'of'>>;

export function ofClient(id: string, member: string): Decided {
  return { setting: `clients[${id}].${member}`, of: { what: 'client', id, member } };
}

export function ofUser(
  { id, username }: { readonly id: string; readonly username: string },
  member: string,
): Decided {
  return { setting: `users[${username}].${member}`, of: { what: 'user', id, member } };
}

/** `path`: from the realm; its first member is what changes are found by. */
export function ofRealm(path: string): Decided {
  return { setting: path, of: { what: 'realm', member: path.split(/[.[]/)[0] ?? path } };
}
