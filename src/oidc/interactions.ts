/**
 * The person in the middle of a flow: what is asked of them, and what becomes of the answer. The pages draw; this
 * decides.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InteractionResults, Provider } from 'oidc-provider';
import { epochSeconds } from '../base/clock.ts';
import { Failure } from '../base/errors.ts';
import type { Client, User } from '../registry/model.ts';
import type { Consents } from './consents.ts';
import { consentModeOf } from './consents.ts';
import { fillGrant } from './grants-of-login.ts';
import type { RealmContext } from './realm-context.ts';

/** Member of an interaction's result. */
const VERIFIED = 'daypass_verified';

export type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

/** What is asked. `accountId` is known at a consent, and at a login that is only asked for again. */
export type Question = {
  readonly uid: string;
  readonly prompt: string;
  readonly reasons: readonly string[];
  readonly client: Client;
  readonly accountId: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  /** What is asked for at a consent. */
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
  readonly resources: readonly string[];
  readonly details: readonly unknown[];
};

export type Interactions = ReturnType<typeof createInteractions>;

type Flow = { readonly realm: RealmContext; readonly provider: Provider; readonly consents: Consents };

/** Each resolves to the address to go on at, always one of this realm; `question` to what is asked. */
export function createInteractions(realm: RealmContext, provider: Provider, consents: Consents) {
  const flow: Flow = { realm, provider, consents };
  return {
    question: (exchange: Exchange) => questionOf(flow, exchange),
    noteVerified: (exchange: Exchange, userId: string) => noteVerified(flow, exchange, userId),
    verifiedUser: (exchange: Exchange) => verifiedUser(flow, exchange),
    finishLogin: (exchange: Exchange, login: Login) => finishLogin(flow, exchange, login),
    allow: (exchange: Exchange) => allow(flow, exchange),
    deny: (exchange: Exchange) =>
      finish(flow, exchange, { error: 'access_denied', error_description: 'End-User aborted interaction' }),
  };
}

type Login = { readonly user: User; readonly remember: boolean };

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

/** Remembers in the flow itself that this person's password was right, while something else must be done first. */
async function noteVerified(
  { provider }: Flow,
  { request, response }: Exchange,
  userId: string,
): Promise<void> {
  await provider.interactionResult(request, response, { [VERIFIED]: userId });
}

async function verifiedUser(flow: Flow, exchange: Exchange): Promise<string | undefined> {
  const id: unknown = (await load(flow, exchange)).result?.[VERIFIED];
  return typeof id === 'string' ? id : undefined;
}

function finishLogin(flow: Flow, exchange: Exchange, { user, remember }: Login): Promise<string> {
  const { clock, view } = flow.realm;
  const login = {
    accountId: user.id,
    remember,
    ts: epochSeconds(clock),
    amr: ['pwd'],
    acr: view.acrValues[0] ?? '1',
  };
  return finish(flow, exchange, { login });
}

/** Grants what was asked, as far as this person may have it, and remembers it unless the client wants no memory. */
async function allow(flow: Flow, exchange: Exchange): Promise<string> {
  const asked = await questionOf(flow, exchange);
  const user = await flow.realm.registry.findUser(flow.realm.name, asked.accountId ?? '');
  if (user === undefined) throw new Failure('not_found', 'this sign-in has expired');
  const grant = await grantOf(flow, exchange, user, asked.client.id);
  await fillGrant(flow.realm, grant, { user, clientId: asked.client.id, ...asked });
  for (const detail of asked.details) grant.addRar(detail as Parameters<typeof grant.addRar>[0]);
  const grantId = await grant.save();
  if (consentModeOf(asked.client) === 'once') await remember(flow, user, asked);
  return finish(flow, exchange, { consent: { grantId } });
}

async function grantOf(flow: Flow, exchange: Exchange, user: User, clientId: string) {
  const { grantId } = await load(flow, exchange);
  const existing = grantId === undefined ? undefined : await flow.provider.Grant.find(grantId);
  return existing ?? new flow.provider.Grant({ accountId: user.id, clientId });
}

async function remember({ realm, consents }: Flow, user: User, asked: Question): Promise<void> {
  const scope = asked.scopes.join(' ');
  await consents.remember(user.id, {
    clientId: asked.client.id,
    scope,
    resources: Object.fromEntries(asked.resources.map((resource) => [resource, scope])),
    claims: [...asked.claims],
    givenAt: epochSeconds(realm.clock),
  });
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
