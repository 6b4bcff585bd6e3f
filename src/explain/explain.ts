/** Why: one question, one answer. */
import { z } from 'zod';
import { Failure } from '../base/errors.ts';
import type { Client } from '../registry/model/model.ts';
import type { Draft, Explanation } from './answer.ts';
import type { ExplainDeps } from './deps.ts';
import { withHistory } from './history.ts';
import { explainLogin } from './login.ts';
import { explainMint } from './mint.ts';
import { explainRedirect } from './redirect.ts';
import { explainRights } from './rights.ts';
import { explainToken } from './token.ts';

const id = z.string().min(1).max(512);

/** Exactly one of these. */
export const question = z.union([
  /** Why is this token inactive; `client`: as asked by this client. */
  z.strictObject({ token: z.string().min(1).max(16_384), client: id.optional() }),
  /** Why is this redirect refused. */
  z.strictObject({ client: id, redirectUri: z.string().min(1).max(2048) }),
  /** Why is this login refused. */
  z.strictObject({ login: z.string().min(1).max(512) }),
  /** Why is this guest token refused or narrowed; `mint`: the body of a request for one. */
  z.strictObject({ client: id, mint: z.looseObject({}) }),
  /** What would this user (a name or address), or the client itself, get. */
  z.strictObject({
    client: id,
    user: z.string().min(1).max(512).optional(),
    scope: z.string().max(4096).optional(),
    api: z.string().max(1024).optional(),
  }),
]);

export type Question = z.output<typeof question>;

/** Rejects with `Failure('not_found')` for a client or user that is not there. */
export async function explain(deps: ExplainDeps, asked: Question): Promise<Explanation> {
  return withHistory(deps.audit, deps.realm.name, await draftOf(deps, asked));
}

async function draftOf(deps: ExplainDeps, asked: Question): Promise<Draft> {
  if ('token' in asked) return explainToken(deps, asked.token, asked.client);
  if ('login' in asked) return explainLogin(deps, asked.login);
  const client = await clientOf(deps, asked.client);
  if ('redirectUri' in asked) return explainRedirect(client, asked.redirectUri);
  if ('mint' in asked) return explainMint(deps, client, asked.mint);
  const { user: login, scope, api } = asked;
  const found = login === undefined ? undefined : await deps.registry.findUserByLogin(deps.realm.name, login);
  if (login !== undefined && found === undefined) throw new Failure('not_found', 'there is no such user');
  return explainRights(deps, { client, user: found?.user, scope, api });
}

async function clientOf({ registry, realm }: ExplainDeps, name: string): Promise<Client> {
  const client = await registry.readClient(realm.name, name);
  if (client === undefined) throw new Failure('not_found', 'there is no such client');
  return client;
}
