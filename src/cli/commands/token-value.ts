/** What a token is, by its value, which is read from standard input: arguments are seen by every user of the machine. */
import { epochSeconds } from '../../base/clock.ts';
import { presentFound } from '../../guest/json/present.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import type { Document } from '../../storage/port/port.ts';
import { findToken } from '../../surfaces/admin/tokens/token-values.ts';
import { inRealm, place, withAdmin } from '../admin-calls/with-admin.ts';
import type { Shown } from '../runtime/admin-calls.ts';
import { type Command, type Input, print } from '../runtime/command.ts';
import { readSecret } from '../runtime/new-password.ts';
import { json, printJson, showWhole } from '../runtime/output.ts';
import { withRealm } from '../runtime/with-realm.ts';

const fromInput = 'The value is asked for, or read from the first line of standard input.';

export const inspectToken: Command = {
  about:
    `Tells what kind of value a token is. ${fromInput} Of a JWT it shows header and claims, without checking its\n` +
    'signature, and never the signature itself. With --realm also what the store has of it: whom it is for, until\n' +
    'when, and whether it was revoked or spent. Only with --realm it needs the store.',
  options: { realm: { value: '<name>', help: 'look it up in this realm' }, ...json },
  examples: ['token inspect < token.txt', 'token inspect --realm acme < token.txt'],
  async run(input) {
    const value = await readSecret('token');
    const realm = input.find('realm');
    const stored =
      realm === undefined ? undefined : await withRealm(realm, (found) => storedAs(found, value));
    showWhole(input, {
      kind: kindOf(value),
      ...jwtParts(value),
      ...(realm !== undefined && { stored: stored ?? null }),
    });
    return 0;
  },
};

export const introspectToken: Command = {
  about:
    'Shows what introspection (RFC 7662) says of a token now to an API that it is for, as JSON; of a guest token, what\n' +
    `the guest-token API shows of it, and counts no use. ${fromInput} The exit code is 1 when it is not active.`,
  options: { ...inRealm, ...place },
  examples: ['token introspect --realm acme < token.txt'],
  async run(input) {
    const answer = await callWithToken(input, 'introspectToken');
    printJson(answer);
    return answer['active'] === true ? 0 : 1;
  },
};

export const revokeToken: Command = {
  about:
    'Revokes one token, and everything that was made from it; a refresh token takes its consent and its access tokens\n' +
    `along. ${fromInput}`,
  options: { ...inRealm, ...place },
  examples: ['token revoke --realm acme < token.txt'],
  async run(input) {
    await callWithToken(input, 'revokeToken');
    print('revoked');
    return 0;
  },
};

async function callWithToken(input: Input, operation: string): Promise<Shown> {
  const token = await readSecret('token');
  const params = { realm: input.need('realm') };
  return withAdmin(input, (admin) => admin.call(operation, { params, body: { token } }));
}

async function storedAs(realm: RealmContext, value: string): Promise<object | undefined> {
  const found = await findToken(realm, value);
  if (found === undefined) return undefined;
  if ('guest' in found) return presentFound(found.guest, realm.issuer);
  const { record, document } = found;
  const time = (seconds: number) => new Date(seconds * 1000).toISOString();
  const { iat, exp, extra, ...rest } = record;
  return {
    ...rest,
    ...extra,
    issuedAt: time(iat),
    expiresAt: time(exp),
    state: stateOf(document, exp, epochSeconds(realm.clock)),
  };
}

function stateOf({ cut, spentAt }: Document, exp: number, now: number): string {
  if (cut) return 'revoked';
  if (spentAt !== undefined) return 'spent';
  return exp <= now ? 'expired' : 'active';
}

/** By how the values that the server makes begin. */
const kinds: readonly (readonly [beginning: RegExp, kind: string])[] = [
  [/^dpa_/, 'access token'],
  [/^dpr_/, 'refresh token'],
  [/^dpg_/, 'guest token'],
  [/^dpgr_/, 'refresh token of a guest'],
  [/^dpo_/, 'opener of a guest token'],
  [/^dpc_/, 'client secret'],
  [/^gt_/, 'id of a guest token, not its value'],
];

function kindOf(value: string): string {
  const known = kinds.find(([beginning]) => beginning.test(value))?.[1];
  if (known !== undefined) return known;
  const parts = value.split('.').length;
  if (parts === 5) return 'encrypted JWT (JWE)';
  return parts === 3 && partOf(value, 0) !== undefined
    ? 'signed JWT'
    : 'unknown: nothing that this server makes';
}

/** RFC 7515 §3.1: header, claims, signature. */
function jwtParts(value: string): object {
  const count = value.split('.').length;
  const [header, claims] = [partOf(value, 0), partOf(value, 1)];
  if (header === undefined || (count !== 3 && count !== 5)) return {};
  return {
    header,
    ...(count === 3 && claims !== undefined && { claims, signature: 'not shown, not checked' }),
  };
}

function partOf(value: string, at: number): unknown {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value.split('.')[at] ?? '', 'base64url').toString());
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}
