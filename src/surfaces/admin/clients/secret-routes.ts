/** `…/clients/{client}/secret`: a new secret, and for how long the old one counts beside it. */
import { z } from 'zod';
import { newClientSecret } from '../../../base/random.ts';
import { Problem } from '../../../http/problem.ts';
import { type Client, client } from '../../../registry/model/model.ts';
import { requireMatch } from '../shared/etag.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';
import { clientChecks } from './changes.ts';
import { answerOf, idIn } from './client-routes.ts';
import { clientShown, clientWithSecret, shownClient } from './client-view.ts';

/** The longest overlap: a year. */
const MAX_OVERLAP = 31_536_000;

const permissions = ['clients:write', 'clients:secrets'] as const;

const rotation = z.strictObject({
  /** Absent: one is made. */
  secret: client.shape.secret,
  /** Seconds for which the present secret counts beside the new one. */
  overlap: z.int().min(0).max(MAX_OVERLAP).default(0),
});

export const secretRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'rotateClientSecret',
    method: 'POST',
    path: '/clients/:client/secret',
    summary: 'Gives a client a new secret, which is shown this once. Tokens live on.',
    permissions,
    body: rotation,
    answers: { 201: { description: 'The client with its new secret.', schema: clientWithSecret } },
    example: { overlap: 86_400 },
    handler: rotate,
  }),
  realmRoute({
    id: 'dropPreviousSecret',
    method: 'DELETE',
    path: '/clients/:client/secret/previous',
    summary: 'Ends the overlap: the previous secret counts no longer.',
    permissions,
    isConditional: true,
    answers: { 200: { description: 'The client.', schema: shownClient } },
    handler: dropPrevious,
  }),
];

async function rotate(call: RealmCall<unknown, z.output<typeof rotation>>): Promise<Answer> {
  const { deps, realm, changes, params, body } = call;
  const { check } = await clientChecks(call);
  const secret = body.secret ?? newClientSecret();
  const after = await changes.updateClient(realm.name, idIn(params), (before) => {
    const changed = withSecret(before, secret, body.overlap, deps.clock());
    check(before, changed);
    return changed;
  });
  return { ...answerOf(after), status: 201, body: { ...clientShown(after), secret } };
}

/** `now`: milliseconds since the epoch. */
function withSecret(before: Client, secret: string, overlap: number, now: number): Client {
  const { previousSecret: _, previousSecretUntil: __, ...rest } = before;
  if (before.secret === undefined)
    throw new Problem('conflict', 'the client does not authenticate by a secret');
  if (overlap === 0) return { ...rest, secret };
  return {
    ...rest,
    secret,
    previousSecret: before.secret,
    previousSecretUntil: new Date(now + overlap * 1000).toISOString(),
  };
}

async function dropPrevious(call: RealmCall): Promise<Answer> {
  const { ctx, deps, realm, changes, params } = call;
  const { mayTouch } = await clientChecks(call);
  const after = await changes.updateClient(realm.name, idIn(params), (before) => {
    requireMatch(ctx, deps.tag(before));
    mayTouch(before);
    const { previousSecret: _, previousSecretUntil: __, ...rest } = before;
    return rest;
  });
  return answerOf(after);
}
