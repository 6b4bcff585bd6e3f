/** `…/clients`: clients of a realm. */
import { z } from 'zod';
import { newClientSecret } from '../../../base/random.ts';
import { Problem } from '../../../http/problem.ts';
import { type Client, client } from '../../../registry/model/model.ts';
import { effectHeader } from '../shared/effects.ts';
import { requireMatch } from '../shared/etag.ts';
import { isSelf, refuseOwnEnd } from '../shared/granting.ts';
import { mergePatch } from '../shared/merge-patch.ts';
import { listOf, listSchema, pageOf, pageQuery } from '../shared/pages.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';
import { clientChecks } from './changes.ts';
import { clientEffect } from './client-effect.ts';
import { clientShown, clientWithSecret, shownClient } from './client-view.ts';

const query = z.strictObject({ ...pageQuery, search: z.string().max(128).optional() });
const one = '/clients/:client';
const reading = ['clients:read', 'clients:write'] as const;
const patch = z.looseObject({});
const removed = z.strictObject({ removed: z.string(), effect: z.string() });

export const clientRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'listClients',
    method: 'GET',
    path: '/clients',
    summary: 'Lists clients, in the order of their ids; `search`: only those whose id begins so.',
    permissions: reading,
    query,
    answers: { 200: { description: 'A page of clients.', schema: listSchema(shownClient) } },
    async handler({ deps, realm, query: { search, ...page } }) {
      const asked = { ...pageOf(page), ...(search !== undefined && { prefix: search }) };
      const listed = await deps.registry.listClients(realm.name, asked);
      return { status: 200, body: listOf(listed, clientShown) };
    },
  }),
  realmRoute({
    id: 'createClient',
    method: 'POST',
    path: '/clients',
    summary:
      'Creates a client. One that needs a secret and is sent without gets one, which is shown this once.',
    permissions: ['clients:write'],
    body: client,
    answers: { 201: { description: 'The client, with a secret that was made.', schema: clientWithSecret } },
    example: { id: 'billing', grants: ['client_credentials'] },
    handler: createClient,
  }),
  realmRoute({
    id: 'getClient',
    method: 'GET',
    path: one,
    summary: 'Shows a client, without its secrets.',
    permissions: reading,
    answers: { 200: { description: 'The client.', schema: shownClient } },
    handler: async (call) => answerOf(await storedClient(call)),
  }),
  realmRoute({
    id: 'changeClient',
    method: 'PATCH',
    path: one,
    summary: 'Changes a client. What it loses ends what was issued to it; `enabled: false` ends all of it.',
    permissions: ['clients:write'],
    body: patch,
    patches: client,
    media: 'application/merge-patch+json',
    isConditional: true,
    answers: { 200: { description: 'The client.', schema: shownClient } },
    example: { clientName: 'Billing' },
    handler: changeClient,
  }),
  realmRoute({
    id: 'removeClient',
    method: 'DELETE',
    path: one,
    summary: 'Removes a client. Everything that was issued to it is dead at once.',
    permissions: ['clients:write'],
    isConditional: true,
    answers: { 200: { description: 'It is gone.', schema: removed } },
    handler: removeClient,
  }),
];

export async function storedClient({ deps, realm, params }: RealmCall): Promise<Client> {
  const found = await deps.registry.readClient(realm.name, idIn(params));
  if (found === undefined) throw new Problem('not_found', 'there is no such client');
  return found;
}

export function idIn(params: RealmCall['params']): string {
  return params['client'] ?? '';
}

async function createClient(call: RealmCall<unknown, Client>): Promise<Answer> {
  const { deps, realm, changes, body } = call;
  const { check } = await clientChecks(call);
  const secret = needsSecret(body) ? newClientSecret() : undefined;
  const wanted = secret === undefined ? body : { ...body, secret };
  check(undefined, wanted);
  const created = await changes.createClient(realm.name, wanted);
  const Location = `${deps.publicUrl}/admin/v1/realms/${realm.name}/clients/${encodeURIComponent(created.id)}`;
  return {
    ...answerOf(created),
    status: 201,
    body: { ...clientShown(created), ...(secret !== undefined && { secret }) },
    headers: { Location },
  };
}

/** A confidential client that names no other way to authenticate. */
function needsSecret(input: Client): boolean {
  if (input.public === true || input.secret !== undefined) return false;
  const { jwks, jwksUri, tokenEndpointAuthMethod: method } = input;
  if (method !== undefined) return method.startsWith('client_secret_');
  const hasCertificate = Object.keys(input).some((name) => name.startsWith('tlsClientAuth'));
  return jwks === undefined && jwksUri === undefined && !hasCertificate && input.fapi !== true;
}

async function changeClient(call: RealmCall<unknown, z.output<typeof patch>>): Promise<Answer> {
  const { ctx, deps, realm, changes, params } = call;
  const { check } = await clientChecks(call);
  // Shown, and therefore sent back by whoever edits what was shown.
  const { hasSecret: _, ...body } = call.body;
  const effect = clientEffect(call, idIn(params));
  const after = await changes.updateClient(realm.name, idIn(params), (before) => {
    requireMatch(ctx, deps.tag(before));
    effect.note(before);
    // What the patch gives may be wrong: it is checked before it is used.
    const changed = mergePatch(before, body) as Client;
    check(before, changed);
    return changed;
  });
  return { ...answerOf(after), headers: effectHeader(effect.of(after)) };
}

async function removeClient(call: RealmCall): Promise<Answer> {
  const { ctx, deps, realm, caller, changes, params } = call;
  const id = idIn(params);
  if (isSelf(caller, realm.name, 'client', id)) refuseOwnEnd();
  const { mayTouch } = await clientChecks(call);
  const effect = clientEffect(call, id);
  const isGone = await changes.removeClient(realm.name, id, (before) => {
    requireMatch(ctx, deps.tag(before));
    mayTouch(before);
    effect.note(before);
  });
  if (!isGone) throw new Problem('not_found', 'there is no such client');
  const text = effect.of(undefined);
  return { status: 200, body: { removed: id, effect: text ?? '' }, headers: effectHeader(text) };
}

export function answerOf(found: Client): Answer {
  return { status: 200, body: clientShown(found), tagged: found };
}
