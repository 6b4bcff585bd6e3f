/** Token exchange as Keycloak's clients send it, and what a strict realm says to that. */
import { describe, expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { ACCESS_TOKEN, callsOf, chainRealm, EXCHANGE, REFRESH_TOKEN } from './api-exchange-support.ts';

const books = { id: 'books', secret: 'books-secret', introspects: ['ledger'] };
const server = useServer({
  realms: [
    chainRealm('strict', { clients: [books] }),
    chainRealm('keycloak', { profile: 'keycloak', clients: [books] }),
  ],
});

describe('what python-keycloak sends', () => {
  /** `KeycloakOpenID.exchange_token(token, audience=…)`: what is None is left out. */
  const formOf = (subject: string, audience: string) => ({
    grant_type: EXCHANGE,
    client_id: 'shop',
    client_secret: 'shop-secret',
    subject_token: subject,
    requested_token_type: REFRESH_TOKEN,
    audience,
    scope: 'openid',
  });

  it('is answered with an access token in a keycloak realm', async () => {
    const { login, token, introspect } = callsOf(server, 'keycloak');
    const subject = await login({ scope: 'openid cart:read' });

    const { status, json } = await token(formOf(subject, 'orders'));

    expect([status, json.issued_token_type, json.scope, json.refresh_expires_in]).toEqual([
      200,
      ACCESS_TOKEN,
      'openid orders:read orders:write',
      0,
    ]);
    expect(json).not.toHaveProperty('refresh_token');
    expect(json['not-before-policy']).toBe(0);
    expect(json.session_state).toBe((await introspect(subject)).session_state);
  });

  it('may name a client, as an API is called there', async () => {
    const { login, exchange, introspect } = callsOf(server, 'keycloak');

    const { json } = await exchange(await login(), { audience: 'books' });

    expect((await introspect(json.access_token)).resource_access).toEqual({ ledger: { roles: ['book'] } });
  });

  it('is refused with more names than one API can have', async () => {
    const { login, exchange } = callsOf(server, 'keycloak');
    const pairs = Array.from({ length: 11 }, (_, index) => ['audience', `c${index}`] as const);

    expect(await exchange(await login(), {}, { pairs })).toMatchObject({
      status: 400,
      json: { error: 'invalid_target', error_description: 'only one API can be asked for' },
    });
    expect(await exchange(await login(), { audience: 'x'.repeat(20_000) })).toMatchObject({
      status: 400,
      json: { error: 'invalid_target' },
    });
  });

  it.each(['requested_subject', 'requested_issuer', 'subject_issuer'])('is refused with %s', async (name) => {
    const { login, exchange } = callsOf(server, 'keycloak');

    expect(await exchange(await login(), { [name]: 'ada' })).toMatchObject({
      status: 400,
      json: { error: 'invalid_request', error_description: `${name} is not supported` },
    });
  });

  it.each([
    [{ subject_token_type: '' }, 'invalid_request'],
    [{ requested_token_type: REFRESH_TOKEN }, 'invalid_request'],
    [{ audience: 'books' }, 'invalid_target'],
  ])('is refused in a strict realm: %o', async (more, error) => {
    const { login, exchange } = callsOf(server, 'strict');
    expect(await exchange(await login(), more)).toMatchObject({ status: 400, json: { error } });
  });
});
