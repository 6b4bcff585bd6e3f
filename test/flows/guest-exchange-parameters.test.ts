/** The form parameters of token exchange: left empty, repeated, refused before anything is spent. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { analytics } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { detail, EXCHANGE, exchange, guestRealm, introspect, ownToken, session } from './guest-support.ts';

const REFRESH_TOKEN = 'urn:ietf:params:oauth:token-type:refresh_token';
const quiet = ['quiet', 'quiet-secret'] as const;

describe('the parameters of an exchange', () => {
  let server: TestServer;
  beforeAll(async () => {
    const clients = [
      { id: 'quiet', secret: 'quiet-secret', grants: ['client_credentials', EXCHANGE], roles: [] },
    ];
    server = await startTestServer({ realms: [guestRealm({}, { clients })] });
  });
  afterAll(() => server?.stop());

  const ask = async (more: Record<string, string>, details?: unknown) =>
    exchange(server, {
      subject: await ownToken(server),
      more,
      ...(details === undefined ? {} : { details }),
    });

  it.each(['scope', 'audience', 'resource', 'requested_token_type', 'actor_token', 'actor_token_type'])(
    'count as omitted without a value: %s',
    async (name) => {
      const [empty, omitted] = [await ask({ [name]: '' }), await ask({})];

      expect(empty.status).toBe(200);
      expect(Object.keys(empty.json)).toEqual(Object.keys(omitted.json));
      expect(empty.json.scope).toBe(omitted.json.scope);
    },
  );

  it.each<[string, Record<string, string>, string]>([
    ['no subject token', { subject_token: '' }, 'invalid_request'],
    ['no type of the subject token', { subject_token_type: '' }, 'invalid_request'],
    ['no details', { authorization_details: '' }, 'invalid_authorization_details'],
    ['an actor token without its type', { actor_token: 'x', actor_token_type: '' }, 'invalid_request'],
    ['the id of an API as resource', { resource: 'analytics' }, 'invalid_target'],
    ['a path as resource', { resource: '/analytics' }, 'invalid_target'],
    ['a resource with a fragment', { resource: `${analytics}/#` }, 'invalid_target'],
  ])('are refused with %s', async (_what, more, error) => {
    expect(await ask(more)).toMatchObject({ status: 400, json: { error } });
  });

  it('name an API by id or audience, or by resource', async () => {
    for (const more of [{ audience: 'analytics' }, { audience: analytics }, { resource: analytics }]) {
      const { json } = await ask(more);

      expect((await introspect(server, json.access_token)).json.aud).toBe(analytics);
    }
  });

  it('ask for a refresh token under the rules of the details', async () => {
    const once = [detail(), session({ lifetime: { ttl: 600, one_time: true } })];

    const answer = await ask({ requested_token_type: REFRESH_TOKEN }, once);

    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_authorization_details' } });
  });

  it('are nothing to a client that may not mint, with details or without', async () => {
    const subject = await ownToken(server, quiet);
    const answers = [
      await exchange(server, { subject, auth: quiet }),
      await exchange(server, { subject, auth: quiet, more: { authorization_details: '' } }),
    ];

    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 400, json: { error: 'unauthorized_client' } });
    }
  });
});
