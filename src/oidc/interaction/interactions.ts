/** A person in the middle of a flow: what they are asked, and what follows from their answer. The pages draw it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InteractionResults, Provider } from 'oidc-provider';
import { z } from 'zod';
import { authenticationContext, type Step } from '../../authn/authentication-context.ts';
import { epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { sha256 } from '../../base/hash.ts';
import { stateOf } from '../../http/request-state.ts';
import type { Client, User } from '../../registry/model/model.ts';
import type { Stamp } from '../../storage/port/port.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { Consents } from '../records/consents.ts';
import { READ_AT } from '../records/record-placement.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { consentOf, fillGrant, type Grantable, grantableOf } from './grant-builder.ts';

/** Member of an interaction's result: which steps somebody has passed, while something else must be done first. */
const VERIFIED = 'daypass_verified';

export type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

/** What the person is asked. `accountId` is present at a consent, and at a repeated login. */
export type Question = {
  readonly uid: string;
  readonly prompt: string;
  readonly reasons: readonly string[];
  readonly client: Client;
  readonly accountId: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  /** The scopes that a consent asks for. */
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
  readonly resources: readonly string[];
  readonly details: readonly unknown[];
};

export type Interactions = ReturnType<typeof createInteractions>;

export type InteractionDeps = {
  readonly realm: RealmContext;
  readonly provider: Provider;
  readonly consents: Consents;
  readonly sessions: Sessions;
};

type Flow = InteractionDeps;

/**
 * `question` resolves to what is asked, the others to the address to continue at, which is always one of this realm.
 */
export function createInteractions(flow: InteractionDeps) {
  return {
    question: (exchange: Exchange) => questionOf(flow, exchange),
    noteVerified: (exchange: Exchange, login: Login) => noteVerified(flow, exchange, login),
    verified: (exchange: Exchange) => verified(flow, exchange),
    finishLogin: (exchange: Exchange, login: Login) => finishLogin(flow, exchange, login),
    allow: (exchange: Exchange) => allow(flow, exchange),
    deny: (exchange: Exchange) => deny(flow, exchange),
  };
}

/** `remember`: the person wants to stay signed in when the browser is closed. */
export type Login = {
  readonly user: User;
  readonly remember: boolean;
  readonly steps: readonly Step[];
  /** When the user was read: a change of the user after that undoes this login. */
  readonly readAt?: Stamp | undefined;
};

/** Rejects with `Failure('not_found')` when the flow has ended or belongs to another browser. */
async function questionOf(flow: Flow, exchange: Exchange): Promise<Question> {
  const interaction = await load(flow, exchange);
  const { params, prompt } = interaction;
  const client = await flow.realm.findClient(textOf(params['client_id']));
  if (client === undefined) throw new Failure('not_found', 'the client of this request is gone');
  return {
    uid: interaction.uid,
    prompt: prompt.name,
    reasons: prompt.reasons,
    client,
    accountId: interaction.session?.accountId,
    params,
    scopes: wordsOf(params['scope']),
    claims: listOf(prompt.details['missingOIDCClaims']),
    resources: resourcesOf(params['resource'], flow.realm.defaultApi.audience),
    details: detailsOf(params['authorization_details']),
  };
}

async function load({ provider }: Flow, { request, response }: Exchange) {
  try {
    return await provider.interactionDetails(request, response);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure('not_found', 'this sign-in has expired', { cause });
  }
}

/** Remembers in the flow itself which steps this person has passed, while something else must be done first. */
async function noteVerified(flow: Flow, { request, response }: Exchange, login: Login): Promise<void> {
  const { user, remember, steps } = login;
  const note = { id: user.id, remember, steps, proof: proofOf(user) };
  await flow.provider.interactionResult(request, response, { [VERIFIED]: note });
}

const verifiedNote = z.object({
  id: z.string(),
  remember: z.boolean(),
  steps: z.array(z.literal('password')),
  proof: z.string(),
});

/** The person who passed steps in this flow, as long as the password that was used is still theirs. */
async function verified(flow: Flow, exchange: Exchange): Promise<Login | undefined> {
  const { realm } = flow;
  const note = verifiedNote.safeParse((await load(flow, exchange)).result?.[VERIFIED]);
  if (!note.success) return undefined;
  const user = await realm.registry.findUser(realm.name, note.data.id);
  if (user?.enabled !== true || proofOf(user) !== note.data.proof) return undefined;
  const { remember, steps } = note.data;
  return { user, remember, steps };
}

function proofOf(user: User): string {
  return sha256(user.passwordHash ?? '');
}

async function finishLogin(
  flow: Flow,
  exchange: Exchange,
  { user, remember, steps, readAt }: Login,
): Promise<string> {
  const { realm } = flow;
  await leaveOtherAccount(flow, exchange, user);
  const { acr, amr } = authenticationContext(realm.view.acrValues, steps);
  const login = {
    accountId: user.id,
    remember,
    ts: epochSeconds(realm.clock),
    acr,
    amr: [...amr],
    ...(readAt === undefined ? {} : { [READ_AT]: readAt }),
  };
  return finish(flow, exchange, { login, select_account: {} });
}

/**
 * Somebody else was signed in at this browser: that session ends now. The library would do it by a form that posts
 * itself.
 */
async function leaveOtherAccount(flow: Flow, exchange: Exchange, user: User): Promise<void> {
  const interaction = await load(flow, exchange);
  const { session } = interaction;
  if (session === undefined || session.accountId === user.id) return;
  await flow.sessions.end(session.uid, stateOf(exchange.request).source);
  interaction.session = undefined;
  await interaction.persist();
}

/**
 * Grants what was asked, as far as this person may give it. The consent is stored in any case, so that the person can
 * withdraw it, also where the client never asks or always asks.
 */
async function allow(flow: Flow, exchange: Exchange): Promise<string> {
  const { realm } = flow;
  const asked = await questionOf(flow, exchange);
  const user = await realm.registry.findUser(realm.name, asked.accountId ?? '');
  if (user === undefined) throw new Failure('not_found', 'this sign-in has expired');
  const grantable = grantableOf(realm, { ...asked, user });
  const grant = await grantOf(flow, exchange, user, asked.client.id);
  fillGrant(grant, grantable);
  for (const detail of asked.details) grant.addRar(detail as Parameters<typeof grant.addRar>[0]);
  const grantId = await grant.save();
  await rememberConsent(flow, user, asked.client, grantable);
  emitAnswer(flow, exchange, asked, 'consent.given');
  return finish(flow, exchange, { consent: { grantId } });
}

async function deny(flow: Flow, exchange: Exchange): Promise<string> {
  const asked = await questionOf(flow, exchange);
  const error = { error: 'access_denied', error_description: 'End-User aborted interaction' };
  const address = await finish(flow, exchange, error);
  if (asked.prompt === 'consent') emitAnswer(flow, exchange, asked, 'consent.declined');
  return address;
}

function emitAnswer(
  { realm }: Flow,
  { request }: Exchange,
  { accountId: user, client, scopes }: Question,
  type: 'consent.given' | 'consent.declined',
): void {
  if (user === undefined) return;
  const { source } = stateOf(request);
  realm.events.emit({ type, realm: realm.name, user, client: client.id, scope: scopes.join(' '), source });
}

async function grantOf(flow: Flow, exchange: Exchange, user: User, clientId: string) {
  const { grantId } = await load(flow, exchange);
  const existing = grantId === undefined ? undefined : await flow.provider.Grant.find(grantId);
  return existing ?? new flow.provider.Grant({ accountId: user.id, clientId });
}

async function rememberConsent(
  { realm, consents }: Flow,
  user: User,
  client: Client,
  grantable: Grantable,
): Promise<void> {
  const before = await consents.find(user.id, client.id);
  const givenAt = epochSeconds(realm.clock);
  await consents.remember(user.id, { ...consentOf(before, client.id, grantable), givenAt });
}

function finish(
  { provider }: Flow,
  { request, response }: Exchange,
  result: InteractionResults,
): Promise<string> {
  const mergeWithLastSubmission = !('error' in result);
  return provider.interactionResult(request, response, result, { mergeWithLastSubmission });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function wordsOf(value: unknown): readonly string[] {
  return typeof value === 'string' ? value.split(' ').filter((word) => word !== '') : [];
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function resourcesOf(value: unknown, fallback: string): readonly string[] {
  if (typeof value === 'string') return [value];
  const many = listOf(value);
  return many.length > 0 ? many : [fallback];
}

function detailsOf(value: unknown): readonly unknown[] {
  const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : [];
  return Array.isArray(parsed) ? parsed : [];
}
