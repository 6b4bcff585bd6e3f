/**
 * The record of a token: everything that was decided when it was issued, and nothing of its value. Names are
 * shortened, because there are millions of records. Members of a newer version are kept as they are.
 */
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
  subject: 'S',
  under: 'U',
} as const;

const longNames = new Map(Object.entries(shortNames).map(([long, short]): [string, string] => [short, long]));
const shortOf = new Map(Object.entries(shortNames));

const shortKinds = { AccessToken: 'A', ClientCredentials: 'C', RefreshToken: 'R' } as const;
const kinds = new Map<unknown, TokenRecord['kind']>([
  ['A', 'AccessToken'],
  ['C', 'ClientCredentials'],
  ['R', 'RefreshToken'],
]);

/** `gty` of a user's token that was made by exchange (RFC 8693): it belongs to another client than its grant. */
export const BY_EXCHANGE = 'token-exchange';

/** A token as its record describes it. Times are seconds since the epoch. */
export type TokenRecord = {
  readonly kind: keyof typeof shortKinds;
  readonly clientId: string;
  readonly accountId?: string;
  readonly grantId?: string;
  readonly sessionUid?: string;
  readonly scope?: string;
  readonly aud?: string;
  readonly iat: number;
  readonly exp: number;
  /** The grant type by which it was issued. */
  readonly gty?: string;
  readonly sid?: string;
  /** More members of the introspection answer: user name and roles. */
  readonly extra?: Readonly<Record<string, unknown>>;
  readonly rar?: readonly unknown[];
  readonly 'x5t#S256'?: string;
  readonly jkt?: string;
  readonly jwtId?: string;
  readonly resource?: string | readonly string[];
  readonly authTime?: number;
  /** The client that a token is about, where it was issued to another one by exchange (RFC 8693). */
  readonly subject?: string;
  /** The nodes of the tokens that it was exchanged from: what kills one of them kills this token too. */
  readonly under?: readonly string[];
};

/**
 * The JSON of a record, with short names. `undefined` and `false` members are left out, and so is what the key says.
 */
export function encodeToken({ kind, extra, ...fields }: Readonly<Record<string, unknown>>): string {
  const record: Record<string, unknown> = { k: shortKinds[kind as TokenRecord['kind']] };
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== false) record[shortOf.get(name) ?? name] = value;
  }
  const said = withoutRealm(extra);
  if (said !== undefined) record['x'] = said;
  return JSON.stringify(record);
}

/** The realm is part of the record's key. */
function withoutRealm(extra: unknown): object | undefined {
  if (typeof extra !== 'object' || extra === null) return undefined;
  const { realm: _, ...said } = extra as { realm?: unknown };
  return Object.keys(said).length > 0 ? said : undefined;
}

/** Reads a record; `undefined` when it is not a token's. Only `encodeToken` writes records with a kind. */
export function decodeToken(value: string): TokenRecord | undefined {
  const stored: unknown = JSON.parse(value);
  if (typeof stored !== 'object' || stored === null || !('k' in stored)) return undefined;
  const kind = kinds.get(stored.k);
  if (kind === undefined) return undefined;
  const fields: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(stored)) fields[longNames.get(name) ?? name] = field;
  return { ...fields, kind } as TokenRecord;
}
