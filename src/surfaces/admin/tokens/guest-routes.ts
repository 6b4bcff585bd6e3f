/** `…/guest-tokens`: guest tokens of every client of the realm. */
import { z } from 'zod';
import { isRefused, type Refused } from '../../../guest/grant/refusal.ts';
import { parseChange } from '../../../guest/issue/patch.ts';
import { presentFound, presentUsage } from '../../../guest/json/present.ts';
import {
  byIds,
  bySelector,
  guestFilter,
  SHAPES,
  selectorOf,
  stampOf,
} from '../../../guest/json/selection.ts';
import type { FoundGuest } from '../../../guest/lookup/lookup.ts';
import type { Source } from '../../../guest/trail/trail.ts';
import { Problem } from '../../../http/problem.ts';
import { guestRealmOf } from '../../../oidc/realm/guest-realm.ts';
import type { RealmContext } from '../../../oidc/realm/realm-context.ts';
import { aliveProvider } from '../shared/alive.ts';
import { listSchema, pageOf, pageQuery } from '../shared/pages.ts';
import { type AdminRoute, type Answer, noteDeed, type RealmCall, realmRoute } from '../shared/route.ts';

const reading = ['guests:read', 'guests:manage'] as const;
const one = { path: '/guest-tokens/:guest', params: { guest: /^gt_[A-Za-z0-9_-]{1,64}$/ } } as const;

const query = z.strictObject({ ...pageQuery, limit: pageQuery.limit.pipe(z.int().max(100)), ...guestFilter });

/** The members that everybody relies on; a token has more of them (docs/guest-tokens.md). */
const shownGuest = z.looseObject({
  id: z.string(),
  state: z.string(),
  client: z.string(),
  issued_at: z.string(),
  expires_at: z.string().nullable(),
  uses_left: z.number().nullable().optional(),
  last_used_at: z.string().nullable().optional(),
});

const trail = z.strictObject({
  events: z.array(z.looseObject({})),
  /** The last event of the chain. */
  head: z.strictObject({ seq: z.int(), hash: z.string() }).nullable(),
});
const cutRequest = z.union([byIds, bySelector]);
const cut = z.looseObject({ cut: z.looseObject({}), issued_before: z.iso.datetime() });

export const guestRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'listGuestTokens',
    method: 'GET',
    path: '/guest-tokens',
    summary:
      'Lists guest tokens of a tenant or a client, by subject, resource, label or state. Never their values.',
    permissions: reading,
    query,
    answers: { 200: { description: 'A page of tokens.', schema: listSchema(shownGuest) } },
    handler: listGuests,
  }),
  realmRoute({
    id: 'getGuestToken',
    method: 'GET',
    ...one,
    summary: 'Shows a guest token, and how much it was used.',
    permissions: reading,
    answers: { 200: { description: 'The token.', schema: shownGuest } },
    handler: showGuest,
  }),
  realmRoute({
    id: 'changeGuestToken',
    method: 'PATCH',
    ...one,
    summary: 'Narrows a guest token: fewer resources, rows, actions, a shorter life. It never gets more.',
    permissions: ['guests:manage'],
    body: z.looseObject({}),
    media: 'application/merge-patch+json',
    answers: { 200: { description: 'The token.', schema: shownGuest } },
    handler: narrowGuest,
  }),
  realmRoute({
    id: 'revokeGuestToken',
    method: 'DELETE',
    ...one,
    summary: 'Revokes a guest token, its refreshed successors, and what was made from it.',
    permissions: ['guests:manage', 'sessions:revoke'],
    answers: {
      200: { description: 'It is dead.', schema: z.strictObject({ revoked: z.array(z.string()) }) },
    },
    handler: revokeGuest,
  }),
  realmRoute({
    id: 'getGuestTrail',
    method: 'GET',
    ...one,
    path: `${one.path}/events`,
    summary: 'Shows the trail of a guest token, also of one that is gone.',
    permissions: reading,
    answers: { 200: { description: 'What happened to it.', schema: trail } },
    handler: showTrail,
  }),
  realmRoute({
    id: 'cutGuestTokens',
    method: 'POST',
    path: '/guest-tokens/revoke',
    summary:
      'Revokes guest tokens by ids, or all of a tenant, subject, resource, client or label, in one write.',
    permissions: ['guests:manage', 'sessions:revoke'],
    body: cutRequest,
    answers: { 200: { description: 'What was cut.', schema: cut } },
    example: { tenant: 'green' },
    handler: cutGuests,
  }),
];

async function listGuests(call: RealmCall<z.output<typeof query>>): Promise<Answer> {
  const { cursor, limit, ...filter } = call.query;
  if (filter.client === undefined && filter.tenant === undefined) {
    throw new Problem('invalid_request', 'say whose tokens: client or tenant');
  }
  const { guests, name, issuer } = (await aliveProvider(call)).realm;
  const { after } = pageOf({ cursor, limit });
  const page = await guests.list(name, filter, { limit, after });
  const usages = await guests.usages(name, page.guests);
  const items = page.guests.map((found, at) => ({
    ...presentFound(found, issuer),
    ...presentUsage(usages[at]),
  }));
  const next = page.next === undefined ? null : Buffer.from(page.next).toString('base64url');
  return { status: 200, body: { items, next } };
}

async function existing(
  call: RealmCall,
): Promise<{ readonly found: FoundGuest; readonly realm: RealmContext }> {
  const realm = (await aliveProvider(call)).realm;
  const found = await realm.guests.find(realm.name, idIn(call));
  if (found === undefined) throw new Problem('not_found', 'there is no such guest token');
  return { found, realm };
}

function idIn({ params }: Pick<RealmCall, 'params'>): string {
  return params['guest'] ?? '';
}

function sourceOf({ caller }: Pick<RealmCall, 'caller'>): Source {
  const { id = '', source } = caller.actor;
  return { by: id, ...source };
}

async function showGuest(call: RealmCall): Promise<Answer> {
  const { found, realm } = await existing(call);
  const [usage] = await realm.guests.usages(realm.name, [found]);
  return { status: 200, body: { ...presentFound(found, realm.issuer), ...presentUsage(usage) } };
}

async function narrowGuest(call: RealmCall<unknown, object>): Promise<Answer> {
  const { found, realm } = await existing(call);
  const parsed = parseChange(call.body);
  if (isRefused(parsed)) throw problemOfRefused(parsed);
  await noteDeed(call, 'guest.narrow', { guest: found.record.id });
  const order = { change: parsed.change, source: sourceOf(call) };
  const narrowed = await realm.guests.narrow(guestRealmOf(realm), found, order);
  if (isRefused(narrowed)) throw problemOfRefused(narrowed);
  return { status: 200, body: presentFound(narrowed, realm.issuer) };
}

function problemOfRefused({ refused }: Refused): Problem {
  const [first] = refused;
  return new Problem(first?.code ?? 'invalid_request', first?.message ?? 'is not valid', { faults: refused });
}

async function revokeGuest(call: RealmCall): Promise<Answer> {
  const { found, realm } = await existing(call);
  await noteDeed(call, 'guest.revoke', { guest: found.record.id });
  await realm.guests.revokeAll(realm.name, [found.record], sourceOf(call));
  return { status: 200, body: { revoked: [found.record.id] } };
}

async function showTrail(call: RealmCall): Promise<Answer> {
  const realm = (await aliveProvider(call)).realm;
  const found = await realm.guests.find(realm.name, idIn(call));
  const { events, head } = await realm.guests.trail(realm.name, idIn(call), found);
  if (found === undefined && events.length === 0)
    throw new Problem('not_found', 'there is no such guest token');
  return { status: 200, body: { events, head } };
}

async function cutGuests(call: RealmCall<unknown, z.output<typeof cutRequest>>): Promise<Answer> {
  const { body } = call;
  const realm = (await aliveProvider(call)).realm;
  if ('ids' in body) return cutIds(call, realm, body.ids);
  const { issued_before, ...given } = body;
  const selector = selectorOf(given);
  if (selector === undefined) throw new Problem('invalid_request', SHAPES);
  await noteDeed(call, 'guests.cut', { ...selector });
  const before = issued_before === undefined ? undefined : stampOf(issued_before);
  const stamp = await realm.guests.cut(realm.name, selector, { before });
  return {
    status: 200,
    body: { cut: selector, issued_before: new Date(Math.floor(stamp / 1000)).toISOString() },
  };
}

async function cutIds(call: RealmCall, realm: RealmContext, ids: readonly string[]): Promise<Answer> {
  const found = await Promise.all(ids.map((id) => realm.guests.find(realm.name, id)));
  const records = found.flatMap((guest) => guest?.record ?? []);
  await noteDeed(call, 'guests.cut', { ids: records.map(({ id }) => id).join(' ') });
  await realm.guests.revokeAll(realm.name, records, sourceOf(call));
  const cutNow = records.map(({ id }) => id);
  return {
    status: 200,
    body: { cut: { ids: cutNow }, issued_before: new Date(realm.clock()).toISOString() },
  };
}
