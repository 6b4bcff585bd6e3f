/** What an explanation says. It is for administrators: nothing of it is ever told to a client. */
import { z } from 'zod';

export const reason = z.strictObject({
  /** A closed name, such as `token.expired`. */
  rule: z.string(),
  /** For people: what holds, and what would have to be changed. */
  detail: z.string(),
  /** Where the setting lies that decides, from the realm: `clients[dc-ui].redirectUris`. */
  setting: z.string().optional(),
});

export const explanation = z.strictObject({
  /** What would happen, or happened. */
  verdict: z.enum(['active', 'inactive', 'allowed', 'narrowed', 'refused']),
  /** The first one decides. Empty where nothing speaks against it. */
  reasons: z.array(reason),
  /** What was looked at, without any secret. */
  about: z.record(z.string(), z.json()),
});

export type Reason = z.output<typeof reason>;
export type Explanation = z.output<typeof explanation>;

export function settingOfClient(id: string, field: string): string {
  return `clients[${id}].${field}`;
}

export function settingOfUser(username: string, field: string): string {
  return `users[${username}].${field}`;
}
