import type { IncomingMessage } from 'node:http';
import { annotate } from '../../http/request-state.ts';
import { TooMany } from '../../limits/too-many.ts';
import type { Client } from '../../registry/model/model.ts';
import { authenticateClient, type ClientAuthDeps, isAuthenticated } from './authenticate.ts';
import { admit, attemptSourceOf, isGeneratedSecretOf } from './brute-force.ts';
import { credentialsOf, guessedAt, readPresented } from './presented.ts';

/**
 * The client that a request authenticates by its `Authorization`, or by its certificate and the name that it gives;
 * never a public client. Wrong tries count as at the token endpoint: rejects with `TooMany` for a blocked source, and
 * with `Failure('unavailable')` without a store.
 */
export async function provenClient(
  deps: ClientAuthDeps,
  request: IncomingMessage,
  clientId: string | undefined,
): Promise<Client | undefined> {
  try {
    return await prove(
      deps,
      request,
      new URLSearchParams(clientId === undefined ? {} : { client_id: clientId }),
    );
  } catch (error) {
    if (error instanceof TooMany) annotate(request, { wrong: 'client_secret' });
    throw error;
  }
}

async function prove(
  deps: ClientAuthDeps,
  request: IncomingMessage,
  form: URLSearchParams,
): Promise<Client | undefined> {
  const { realm } = deps;
  const read = credentialsOf(realm, request, { form, address: realm.issuer });
  // An empty header counts as absent.
  const credentials = { ...read, authorization: read.authorization || undefined };
  const presented = readPresented(credentials);
  const guessed = guessedAt(presented);
  const source = attemptSourceOf(realm, request, 'client_secret', guessed?.id ?? '');
  if (guessed !== undefined) await admit(realm, source, () => isGeneratedSecretOf(realm, guessed));
  const outcome = await authenticateClient(deps, credentials, presented);
  if (isAuthenticated(outcome)) return outcome.method === 'none' ? undefined : outcome.client;
  if (outcome.isGuess) {
    annotate(request, { wrong: 'client_secret' });
    await realm.bruteForce.wrong(source, guessed?.value ?? '');
  }
  return undefined;
}
