/** Lists, shows, narrows and revokes guest tokens. Tokens of other clients do not exist for a caller. */
import { z } from 'zod';
import { faultsOf, isRefused, refusalsOf } from '../../guest/grant/refusal.ts';
import { parseChange } from '../../guest/issue/patch.ts';
import { presentFound, presentUsage } from '../../guest/json/present.ts';
import { byIds, bySelector, guestFilter, SHAPES, selectorOf, stampOf } from '../../guest/json/selection.ts';
import type { FoundGuest, GuestFilter } from '../../guest/lookup/lookup.ts';
import { Problem } from '../../http/problem.ts';
import { type Call, readJson, realmOf, sourceOf } from './call.ts';
import { problemOf } from './refusals.ts';

export const listQuery = z.strictObject({
  ...guestFilter,
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,1024}$/)
    .optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

export async function listTokens(call: Call): Promise<void> {
  const { ctx, realm, caller } = call;
  const { client_id: _authenticates, ...given } = ctx.query;
  const parsed = listQuery.safeParse(given);
  if (!parsed.success) throw problemOf(refusalsOf('invalid_request', faultsOf(parsed.error)));
  const { cursor, limit, ...asked } = parsed.data;
  const filter = filterFor(call, asked);
  // A token of another client is treated as if it did not exist.
  if (!caller.isManager && filter.client !== caller.clientId) {
    ctx.body = { guest_tokens: [], next_cursor: null };
    return;
  }
  const after = cursor === undefined ? undefined : placeOf(cursor);
  const page = await realm.guests.list(realm.name, filter, { limit, after });
  const usages = await realm.guests.usages(realm.name, page.guests);
  ctx.body = {
    guest_tokens: page.guests.map((found, index) => ({
      ...presentFound(found, realm.issuer),
      ...presentUsage(usages[index]),
    })),
    next_cursor: page.next === undefined ? null : Buffer.from(page.next).toString('base64url'),
  };
}

/** A cursor is the place after which the list goes on, as `next_cursor` told it. */
function placeOf(cursor: string): string {
  const place = Buffer.from(cursor, 'base64url').toString();
  const isOurs = /^[0-9.e+]{1,32}:./.test(place) && Buffer.from(place).toString('base64url') === cursor;
  if (isOurs) return place;
  throw problemOf(refusalsOf('invalid_request', [{ path: ['cursor'], message: 'is not a next_cursor' }]));
}

function filterFor({ caller }: Call, asked: GuestFilter): GuestFilter {
  if (!caller.isManager) return { ...asked, client: asked.client ?? caller.clientId };
  const own = asked.tenant === undefined ? caller.clientId : undefined;
  const client = asked.client ?? own;
  if (client === undefined && asked.tenant === undefined) {
    throw new Problem('invalid_request', 'say whose tokens: client or tenant');
  }
  return { ...asked, client };
}

export async function showToken(call: Call): Promise<void> {
  const found = await getOwn(call);
  const [usage] = await call.realm.guests.usages(call.realm.name, [found]);
  call.ctx.body = { ...presentFound(found, call.realm.issuer), ...presentUsage(usage) };
}

/** Also when the record is gone: its trail is kept longer, and names its client. */
export async function showEvents(call: Call): Promise<void> {
  const { ctx, realm, id } = call;
  const found = await realm.guests.find(realm.name, id);
  const { events, head, chain } = await realm.guests.trail(realm.name, id, found);
  const clientId = found?.record.clientId ?? chain.at(-1)?.['client'];
  if (typeof clientId !== 'string' || !isOwn(call, { record: { clientId } })) throw noSuchToken();
  ctx.body = { events, head };
}

export async function changeToken(call: Call): Promise<void> {
  const { ctx, realm } = call;
  const found = await getOwn(call);
  const parsed = parseChange(await readJson(call));
  if (isRefused(parsed)) throw problemOf(parsed);
  const narrowed = await realm.guests.narrow(realmOf(call), found, {
    change: parsed.change,
    source: sourceOf(call),
  });
  if (isRefused(narrowed)) throw problemOf(narrowed);
  ctx.body = presentFound(narrowed, realm.issuer);
}

export async function revokeToken(call: Call): Promise<void> {
  const { ctx, realm } = call;
  const { record } = await getOwn(call);
  await realm.guests.revokeAll(realm.name, [record], sourceOf(call));
  ctx.status = 204;
}

/** 404 for a token of another client, in the same words. */
async function getOwn(call: Call): Promise<FoundGuest> {
  const found = await call.realm.guests.find(call.realm.name, call.id);
  if (found === undefined || !isOwn(call, found)) throw noSuchToken();
  return found;
}

function noSuchToken(): Problem {
  return new Problem('not_found', 'there is no such guest token');
}

type Owned = { readonly record: Pick<FoundGuest['record'], 'clientId'> };

function isOwn({ caller }: Call, { record }: Owned): boolean {
  return caller.isManager || (caller.clientId !== undefined && record.clientId === caller.clientId);
}

/** Mass revocation: by ids, or everything below one selector, in one write. */
export async function revokeMany(call: Call): Promise<void> {
  const input = await readJson(call);
  if (typeof input === 'object' && input !== null && 'ids' in input) return revokeIds(call, input);
  const parsed = bySelector.safeParse(input);
  if (!parsed.success) throw problemOf(refusalsOf('invalid_request', faultsOf(parsed.error)));
  const { issued_before, ...given } = parsed.data;
  const selector = selectorOf(given);
  if (selector === undefined) throw new Problem('invalid_request', SHAPES);
  const { ctx, realm, caller } = call;
  if (!caller.isManager && 'client' in selector && selector.client !== caller.clientId) {
    throw new Problem('access_denied', 'a client cuts only what it minted');
  }
  const before = issued_before === undefined ? undefined : stampOf(issued_before);
  const by = caller.isManager ? undefined : ownerOf(call);
  const stamp = await realm.guests.cut(realm.name, selector, { clientId: by, before });
  const source = sourceOf(call);
  realm.events.emit({
    type: 'guest',
    realm: realm.name,
    event: 'guest.mass_revoked',
    details: { client: by, selector: Object.keys(selector).join(' ') },
    by: source.by,
    source,
  });
  ctx.body = { cut: selector, issued_before: new Date(Math.floor(stamp / 1000)).toISOString() };
}

/** The tokens of the caller among them; the answer says nothing of the others. */
async function revokeIds(call: Call, input: object): Promise<void> {
  const { ctx, realm } = call;
  const parsed = byIds.safeParse(input);
  if (!parsed.success) throw problemOf(refusalsOf('invalid_request', faultsOf(parsed.error)));
  const { ids } = parsed.data;
  const found = await Promise.all(ids.map((id) => realm.guests.find(realm.name, id)));
  const own = found.filter((guest) => guest !== undefined).filter((guest) => isOwn(call, guest));
  await realm.guests.revokeAll(
    realm.name,
    own.map(({ record }) => record),
    sourceOf(call),
  );
  ctx.body = { cut: { ids }, issued_before: new Date(realm.clock()).toISOString() };
}

function ownerOf({ caller }: Call): string {
  if (caller.clientId === undefined) throw new Problem('access_denied', 'guests:manage is missing');
  return caller.clientId;
}
