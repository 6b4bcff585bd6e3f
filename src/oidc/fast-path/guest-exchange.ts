/** A guest token by exchange (RFC 8693) for a client that has proven its secret and shows an access token of ours. */

import type { IncomingMessage } from 'node:http';
import { errors } from 'oidc-provider';
import { isRefused } from '../../guest/grant/refusal.ts';
import { minterOf } from '../../guest/guests.ts';
import { stateOf } from '../../http/request-state.ts';
import { limitFields } from '../../limits/too-many.ts';
import type { Client } from '../../registry/model/model.ts';
import { clientNode } from '../../revocation/nodes.ts';
import { asksForApi } from '../grants/api-exchange.ts';
import { issuedType, mint, respond, tokenExchangeGrant } from '../grants/token-exchange.ts';
import { tokenTypes } from '../grants/token-types.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import type { FastAnswer } from './answer.ts';

const usual: ReadonlySet<string> = new Set([
  'grant_type',
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'scope',
  'authorization_details',
  'client_id',
  'client_secret',
]);

/**
 * The answer of the token endpoint; `undefined` for every request that the library's path must answer, refusals
 * included.
 */
export async function exchangeForGuest(
  realm: RealmContext,
  client: Client,
  form: URLSearchParams,
  request: IncomingMessage,
): Promise<FastAnswer | undefined> {
  const readAt = realm.registry.readAt(client);
  const minter = minterOf(client, readAt);
  if (minter === undefined || readAt === undefined || !isUsual(client, form)) return undefined;
  const guards = [{ guard: clientNode(client.id), realm: realm.name, since: readAt }];
  try {
    const requestSource = stateOf(request).source;
    const minted = await mint(realm, { minter, form, proven: {}, requestSource, guards, isTrial: true });
    if (isRefused(minted)) return undefined;
    const said = respond(minted, issuedType(form));
    const ends = 'refresh_expires_in' in said ? {} : { refresh_expires_in: 0 };
    const body = { scope: '', ...said, ...ends, 'not-before-policy': 0 };
    return { body, headers: limitFields(minted.limit) };
  } catch (error) {
    if (!(error instanceof errors.OIDCProviderError)) throw error;
    // The cached client may be out of date: the library's path reads it anew, and says what is wrong.
    realm.registry.forgetClient(realm.name, client.id);
    return undefined;
  }
}

function isUsual(client: Client, form: URLSearchParams): boolean {
  const needsProof =
    client.dpopBoundAccessTokens === true || client.tlsClientCertificateBoundAccessTokens === true;
  return (
    client.grants.includes(tokenExchangeGrant.name) &&
    client.authorizationDetailsTypes === undefined &&
    client.fapi !== true &&
    !needsProof &&
    form.get('subject_token_type') === tokenTypes.accessToken &&
    !asksForApi(client, form) &&
    [...form.keys()].every((name) => usual.has(name))
  );
}
