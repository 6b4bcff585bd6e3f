/** What people do for themselves at the account page: change the password, withdraw consents, end sessions. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider, Session } from 'oidc-provider';
import { Failure } from '../../base/errors.ts';
import { callerOf } from '../../http/caller.ts';
import { stateOf } from '../../http/request-state.ts';
import type { User } from '../../registry/model/model.ts';
import type { PasswordFault } from '../../registry/passwords/passwords.ts';
import { endGrant } from '../../revocation/nodes.ts';
import type { Write } from '../../storage/port/port.ts';
import { cookiesOf } from '../realm/cookies.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { Consents } from '../records/consents.ts';
import { grantsOf } from '../records/record-placement.ts';
import type { Sessions } from './sessions.ts';

export type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

/** The person signed in at this browser. `startedAt` is seconds since the epoch. */
export type SignedIn = {
  readonly user: User;
  readonly uid: string;
  readonly startedAt: number;
  /** What the login of this session was worth. */
  readonly context: { readonly acr?: string | undefined; readonly amr?: string[] | undefined };
};

export type PasswordChange = { readonly current: string; readonly wanted: string };

export type PasswordOutcome = 'changed' | 'wrong' | 'same' | PasswordFault;

const GRANTS_PER_PAGE = 200;

export type SelfService = ReturnType<typeof createSelfService>;

type Deps = {
  readonly realm: RealmContext;
  readonly provider: Provider;
  readonly consents: Consents;
  readonly sessions: Sessions;
};

export function createSelfService(deps: Deps) {
  return {
    signedIn: (exchange: Exchange) => signedIn(deps, exchange),
    changePassword: (exchange: Exchange, user: User, change: PasswordChange) =>
      changePassword(deps, exchange, user, change),
    setPassword: (exchange: Exchange, user: User, wanted: string) =>
      setPassword(deps, exchange, { user, wanted }),
    withdrawConsent: (exchange: Exchange, userId: string, clientId: string) =>
      withdrawConsent(deps, exchange, userId, clientId),
    endOwnSession: (exchange: Exchange, userId: string, uid: string) =>
      endOwnSession(deps, exchange, userId, uid),
    endOtherSessions: ({ request }: Exchange, { user, uid }: SignedIn) =>
      deps.sessions.endAll(user.id, uid, stateOf(request).source),
  };
}

/** `undefined` when nobody is signed in at this browser any more. */
async function signedIn({ realm, provider }: Deps, exchange: Exchange): Promise<SignedIn | undefined> {
  const session = await sessionOf(provider, exchange);
  if (session.accountId === undefined) return undefined;
  const user = await realm.registry.findUser(realm.name, session.accountId);
  if (user?.enabled !== true) return undefined;
  const { uid, loginTs: startedAt = 0, acr, amr } = session;
  return { user, uid, startedAt, context: { acr, amr } };
}

function sessionOf(provider: Provider, { request, response }: Exchange): Promise<Session> {
  return provider.Session.get(provider.createContext(request, response));
}

/**
 * Changes the password of somebody who knows the present one. The session at this browser continues; everything else
 * that was issued before dies.
 */
async function changePassword(
  deps: Deps,
  exchange: Exchange,
  user: User,
  change: PasswordChange,
): Promise<PasswordOutcome> {
  const { realm, provider } = deps;
  const origin = { ...callerOf(exchange.request, exchange.response), isStranger: false };
  const typed = { login: user.username, password: change.current };
  const outcome = await realm.authenticator.password(realm.view, typed, origin);
  if (!outcome.ok && outcome.reason !== 'incomplete') return 'wrong';
  const session = await sessionOf(provider, exchange);
  const result = await setPassword(deps, exchange, {
    user,
    wanted: change.wanted,
    exceptSession: session.uid,
  });
  if (result === 'changed') await renew(deps, exchange, session);
  return result;
}

type NewPassword = { readonly user: User; readonly wanted: string; readonly exceptSession?: string };

/** Sets a password for somebody who has just proven who they are. Everything issued for the user before dies. */
async function setPassword(
  { realm, sessions }: Deps,
  { request }: Exchange,
  { user, wanted, exceptSession }: NewPassword,
): Promise<PasswordOutcome> {
  const [fault] = await realm.passwords.check(wanted, realm.view.passwords, user);
  if (fault !== undefined) return fault;
  const { matches } = await realm.passwords.verify(wanted, user.passwordHash);
  if (matches) return 'same';
  const { source, id: requestId } = stateOf(request);
  await sessions.endAll(user.id, exceptSession, source);
  const actor = { kind: 'user', id: user.id, realm: realm.name, source, requestId } as const;
  await realm.registry.by(actor).updateUser(realm.name, user.id, (now) => ({
    ...now,
    password: wanted,
    requiredActions: now.requiredActions.filter((action) => action !== 'change_password'),
  }));
  return 'changed';
}

/** Stores the session under a new identifier, after the cut that killed the old one. */
async function renew(
  { realm, provider }: Deps,
  { request, response }: Exchange,
  session: Session,
): Promise<void> {
  session.resetIdentifier();
  const { sessionIdle } = realm.view.lifetimes;
  await session.save(sessionIdle);
  const context = provider.createContext(request, response);
  context.cookies.set(provider.cookieName('session'), session.jti, {
    ...cookiesOf(realm).long,
    secure: context.secure,
    ...(session.transient === true ? {} : { maxAge: sessionIdle * 1000 }),
  });
}

/** Withdraws the consent and kills every token that this client holds for this user, offline ones too. */
async function withdrawConsent(
  { realm, consents }: Deps,
  { request }: Exchange,
  userId: string,
  clientId: string,
): Promise<void> {
  await consents.forget(userId, clientId);
  const index = grantsOf(realm.name, userId);
  let after: string | undefined;
  do {
    const next = after === undefined ? {} : { after };
    const page = await realm.store.list(index, { limit: GRANTS_PER_PAGE, ...next });
    const writes = endingWrites(realm.name, userId, page.members, clientId);
    if (writes.length > 0) await realm.store.commit(writes);
    after = page.next;
  } while (after !== undefined);
  const { source } = stateOf(request);
  const what = { user: userId, client: clientId, source };
  realm.events.emit({ type: 'consent.withdrawn', realm: realm.name, ...what });
}

function endingWrites(realm: string, userId: string, members: readonly string[], clientId: string): Write[] {
  const ofClient = members.filter((member) => member.endsWith(` ${clientId}`));
  return ofClient.flatMap((member) => [
    endGrant(realm, member.slice(0, member.indexOf(' '))),
    { unindex: grantsOf(realm, userId), member },
  ]);
}

async function endOwnSession(
  { sessions }: Deps,
  { request }: Exchange,
  userId: string,
  uid: string,
): Promise<void> {
  if ((await sessions.ownerOf(uid)) !== userId) throw new Failure('not_found', 'no such session');
  await sessions.end(uid, stateOf(request).source);
}
