/** What a token is, by its value, which is read from standard input: arguments are seen by every user of the machine. */
import { epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { presentFound } from '../../guest/json/present.ts';
import type { FoundGuest } from '../../guest/lookup/lookup.ts';
import { revocationWrites } from '../../oidc/endpoints/revoke.ts';
import { refreshHashOf } from '../../oidc/profiles/refresh-shape.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import { oidcScopeSet } from '../../oidc/tokens/claims.ts';
import { tokenKey } from '../../revocation/nodes.ts';
import type { Document } from '../../storage/port/port.ts';
import { withCurrentRights } from '../../tokens/current-rights.ts';
import { describeToken } from '../../tokens/introspection.ts';
import { decodeToken, type TokenRecord } from '../../tokens/record.ts';
import { isLive } from '../../tokens/usable.ts';
import { inRealm } from '../admin-calls/with-admin.ts';
import { type Command, print } from '../runtime/command.ts';
import { readSecret } from '../runtime/new-password.ts';
import { json, printJson, showWhole } from '../runtime/output.ts';
import { withRealm } from '../runtime/with-realm.ts';
import { theOperator } from '../runtime/with-services.ts';

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
    'Shows what introspection (RFC 7662) says of a token now to an API that it is for, as JSON. Counts no use of a\n' +
    `guest token. ${fromInput} The exit code is 1 when it is not active. Needs the store.`,
  options: inRealm,
  examples: ['token introspect --realm acme < token.txt'],
  async run(input) {
    const value = await readSecret('token');
    const answer = await withRealm(input.need('realm'), (realm) => introspection(realm, value));
    printJson(answer);
    return 'active' in answer && answer.active === true ? 0 : 1;
  },
};

export const revokeToken: Command = {
  about:
    'Revokes one token, and everything that was made from it; a refresh token takes its consent and its access tokens\n' +
    `along. ${fromInput} Needs the store.`,
  options: inRealm,
  examples: ['token revoke --realm acme < token.txt'],
  async run(input) {
    const value = await readSecret('token');
    await withRealm(input.need('realm'), async (realm, { changeLog }) => {
      const note = (to: Readonly<Record<string, string>>) =>
        changeLog.note({ realm: realm.name, actor: theOperator, deed: 'token.revoke', to });
      const found = await findToken(realm, value);
      if (found === undefined) throw new Failure('not_found', `realm "${realm.name}" has no such token`);
      if ('guest' in found) {
        const { id } = found.guest.record;
        await note({ guest: id });
        await realm.guests.revoke(realm.name, id, { by: 'operator' });
      } else {
        await note({ client: found.record.clientId });
        await realm.store.commit(await revocationWrites(realm, found));
      }
      print('revoked');
    });
    return 0;
  },
};

type Found =
  | { readonly guest: FoundGuest }
  | { readonly hash: string; readonly record: TokenRecord; readonly document: Document };

async function findToken(realm: RealmContext, value: string): Promise<Found | undefined> {
  const guest = await realm.guests.findByValue(realm.name, value);
  if (guest !== undefined) return { guest };
  const hash = refreshHashOf(value, realm.keys.secret);
  const [document] = await realm.store.read([tokenKey(realm.name, hash)]);
  const record = document && decodeToken(document.value);
  return document && record && { hash, record, document };
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

async function introspection(realm: RealmContext, value: string): Promise<object> {
  const found = await findToken(realm, value);
  if (found === undefined) return { active: false };
  if ('guest' in found) {
    const isActive = found.guest.state === 'active';
    return isActive ? { active: true, ...presentFound(found.guest, realm.issuer) } : { active: false };
  }
  const { record, document } = found;
  if (!isLive(document, record, epochSeconds(realm.clock))) return { active: false };
  return describeToken(withCurrentRights(record, realm.view, oidcScopeSet), realm);
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
