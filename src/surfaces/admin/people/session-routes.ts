/** `…/sessions`: sessions of people, found by their user. */
import { z } from 'zod';
import { Problem } from '../../../http/problem.ts';
import type { SessionInfo, Sessions } from '../../../oidc/sessions/sessions.ts';
import { aliveProvider } from '../shared/alive.ts';
import { effectHeader } from '../shared/effects.ts';
import { listSchema } from '../shared/pages.ts';
import { type AdminRoute, type Answer, noteDeed, type RealmCall, realmRoute } from '../shared/route.ts';
import { userEffect } from './user-effect.ts';

const shownSession = z.strictObject({
  id: z.string(),
  user: z.uuid(),
  startedAt: z.iso.datetime(),
  /** The `User-Agent` at its beginning; empty when there was none. */
  userAgent: z.string(),
  /** Clients that the person went on to. */
  clients: z.array(z.string()),
});

const reading = ['sessions:read', 'sessions:revoke'] as const;
const query = z.strictObject({ user: z.uuid() });
const ended = z.strictObject({ ended: z.array(z.string()) });
const allEnded = ended.extend({ effect: z.string() });

export const sessionRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'listSessions',
    method: 'GET',
    path: '/sessions',
    summary: 'Lists the latest hundred sessions of a user, the newest first.',
    permissions: reading,
    query,
    answers: { 200: { description: 'The sessions.', schema: listSchema(shownSession) } },
    handler: async (call) => listOfUser(call, call.query.user),
  }),
  realmRoute({
    id: 'getSession',
    method: 'GET',
    path: '/sessions/:session',
    summary: 'Shows a session.',
    permissions: reading,
    answers: { 200: { description: 'The session.', schema: shownSession } },
    handler: async (call) => {
      const { userId, ...found } = await existing(call);
      return { status: 200, body: sessionShown(userId, found) };
    },
  }),
  realmRoute({
    id: 'endSession',
    method: 'DELETE',
    path: '/sessions/:session',
    summary: 'Ends a session and every token of it, and tells the clients that asked to be told.',
    permissions: ['sessions:revoke'],
    answers: { 200: { description: 'It is over.', schema: ended } },
    handler: endOne,
  }),
  realmRoute({
    id: 'listUserSessions',
    method: 'GET',
    path: '/users/:user/sessions',
    summary: 'Lists the latest hundred sessions of a user, the newest first.',
    permissions: reading,
    answers: { 200: { description: 'The sessions.', schema: listSchema(shownSession) } },
    handler: async (call) => listOfUser(call, call.params['user'] ?? ''),
  }),
  realmRoute({
    id: 'endUserSessions',
    method: 'DELETE',
    path: '/users/:user/sessions',
    summary: 'Ends every session of a user, and revokes everything that was issued for the user.',
    permissions: ['sessions:revoke'],
    answers: { 200: { description: 'The sessions that were listed.', schema: allEnded } },
    handler: endAll,
  }),
];

/** The sessions of the realm. */
export async function sessionsOf(call: Pick<RealmCall, 'deps' | 'realm'>): Promise<Sessions> {
  return (await aliveProvider(call)).sessions;
}

async function listOfUser(call: RealmCall, user: string): Promise<Answer> {
  const sessions = await sessionsOf(call);
  const items = (await sessions.list(user)).map((found) => sessionShown(user, found));
  return { status: 200, body: { items, next: null } };
}

async function existing(call: RealmCall) {
  const sessions = await sessionsOf(call);
  const found = await sessions.find(call.params['session'] ?? '');
  if (found === undefined) throw new Problem('not_found', 'there is no such session');
  return found;
}

async function endOne(call: RealmCall): Promise<Answer> {
  const { uid, userId } = await existing(call);
  await noteDeed(call, 'session.end', { session: uid, user: userId });
  await (await sessionsOf(call)).end(uid);
  return { status: 200, body: { ended: [uid] } };
}

/** The cut of the user reaches what has no session: offline tokens, guest tokens, logins under way. */
async function endAll(call: RealmCall): Promise<Answer> {
  const { realm, params, changes, deps } = call;
  const user = params['user'] ?? '';
  if ((await deps.registry.findUser(realm.name, user)) === undefined) {
    throw new Problem('not_found', 'there is no such user');
  }
  const sessions = await sessionsOf(call);
  const listed = await sessions.list(user);
  const effect = await userEffect(call, user);
  await noteDeed(call, 'user.revoke', { user });
  await sessions.endAll(user);
  const after = await changes.updateUser(realm.name, user, (same) => same, true);
  const text = effect.of(after, true);
  const body = { ended: listed.map(({ uid }) => uid), effect: text };
  return { status: 200, body, headers: effectHeader(text) };
}

function sessionShown(user: string, { uid, startedAt, agent, clientIds }: SessionInfo) {
  return {
    id: uid,
    user,
    startedAt: new Date(startedAt * 1000).toISOString(),
    userAgent: agent,
    clients: [...clientIds],
  };
}
