/**
 * What is at rest of a token: everything that was decided when it was issued, nothing of its value.
 * Field names are shortened, because there are millions of these; fields of a newer version are kept as they are.
 */
import { z } from 'zod';

const shortNames = {
  kind: 'k',
  clientId: 'c',
  accountId: 'u',
  grantId: 'g',
  sessionUid: 's',
  scope: 'o',
  aud: 'a',
  iat: 'i',
  exp: 'e',
  gty: 'y',
  sid: 'd',
  claims: 'm',
  extra: 'x',
  rar: 'r',
  'x5t#S256': 't',
  jkt: 'j',
  jwtId: 'J',
  resource: 'R',
  authTime: 'T',
  nonce: 'n',
  acr: 'A',
  amr: 'M',
  iiat: 'I',
  rotations: 'N',
} as const;

const longNames = new Map(Object.entries(shortNames).map(([long, short]): [string, string] => [short, long]));
const shortOf = new Map(Object.entries(shortNames));

/** A token as its record tells it. Times are seconds since the epoch. */
export const tokenRecord = z.looseObject({
  kind: z.enum(['AccessToken', 'ClientCredentials', 'RefreshToken']),
  clientId: z.string(),
  accountId: z.string().optional(),
  grantId: z.string().optional(),
  sessionUid: z.string().optional(),
  scope: z.string().optional(),
  aud: z.string().optional(),
  iat: z.number(),
  exp: z.number(),
  sid: z.string().optional(),
  extra: z.looseObject({}).optional(),
  rar: z.array(z.unknown()).optional(),
  'x5t#S256': z.string().optional(),
  jkt: z.string().optional(),
  jwtId: z.string().optional(),
  resource: z.union([z.string(), z.array(z.string())]).optional(),
  authTime: z.number().optional(),
});

export type TokenRecord = z.infer<typeof tokenRecord>;

/** JSON of a token's fields with short names; `undefined` and `false` fields are left out. */
export function encodeToken(fields: Readonly<Record<string, unknown>>): string {
  const record: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== false) record[shortOf.get(name) ?? name] = value;
  }
  return JSON.stringify(record);
}

/** The fields of a record at rest; `undefined` when it is not a token's. */
export function decodeToken(value: string): TokenRecord | undefined {
  const stored: unknown = JSON.parse(value);
  if (typeof stored !== 'object' || stored === null) return undefined;
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(stored)) fields[longNames.get(name) ?? name] = field;
  const parsed = tokenRecord.safeParse(fields);
  return parsed.success ? parsed.data : undefined;
}
