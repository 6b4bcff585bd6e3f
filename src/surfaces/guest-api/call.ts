/** One call of the JSON API: the parts that its routes share. */
import type { Context } from 'koa';
import { refusalsOf } from '../../guest/grant/refusal.ts';
import { minterOf } from '../../guest/guests.ts';
import type { GuestRealm, Minter } from '../../guest/limits/guest-realm.ts';
import type { GuestRecord } from '../../guest/record/guest-record.ts';
import type { Source } from '../../guest/trail/trail.ts';
import { readJson as readJsonBody } from '../../http/body.ts';
import { Problem } from '../../http/problem.ts';
import { stateOf } from '../../http/request-state.ts';
import { guestRealmOf } from '../../oidc/realm/guest-realm.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import type { GuestApiCaller } from './authenticate.ts';
import { problemOf } from './refusals.ts';

export const MAX_BODY_BYTES = 64 * 1024;

export type Call = {
  readonly ctx: Context;
  readonly realm: RealmContext;
  readonly caller: GuestApiCaller;
  /** The address below the realm. */
  readonly path: string;
  /** The id in the address; empty where there is none. */
  readonly id: string;
  readonly linkOf: LinkOf;
};

/** The public link of a token; `undefined` for a token without one. */
export type LinkOf = (realm: RealmContext, record: GuestRecord, value: string) => string | undefined;

export function realmOf({ realm }: Pick<Call, 'realm'>): GuestRealm {
  return guestRealmOf(realm);
}

/** The actor, for trails. */
export function sourceOf({ caller, ctx }: Pick<Call, 'caller' | 'ctx'>): Source {
  return { by: caller.name, ...stateOf(ctx.req).source };
}

export async function readJson({ ctx }: Pick<Call, 'ctx'>): Promise<unknown> {
  if (ctx.is('application/json', 'application/merge-patch+json') === false) {
    throw new Problem('unsupported_media_type', 'send application/json');
  }
  const reading = await readJsonBody(ctx.req, MAX_BODY_BYTES);
  if ('value' in reading) return reading.value;
  switch (reading.fault) {
    case 'too_large':
      // The rest of the body is still arriving: this connection serves no further request.
      throw new Problem('body_too_large', 'at most 64 KiB', { headers: { Connection: 'close' } });
    case 'not_json':
      throw new Problem('invalid_request', 'the body is not JSON in UTF-8');
    case 'repeated_member':
      throw problemOf(refusalsOf('invalid_request', [{ path: reading.path, message: 'is there twice' }]));
  }
}

export function minterFor({ caller }: Pick<Call, 'caller'>): Minter {
  if (caller.minter === undefined) {
    throw new Problem('unauthorized_client', 'the caller is no client with a mints section');
  }
  return caller.minter;
}

/** Any client of the realm as a minter, as it is now. */
export async function findMinter(
  realm: Pick<RealmContext, 'findClient' | 'registry'>,
  id: string,
): Promise<Minter | undefined> {
  const client = await realm.findClient(id);
  return client && minterOf(client, realm.registry.readAt(client));
}
