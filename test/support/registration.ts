/** Dynamic registration from the outside: requests with a JSON body, and the operator's invitation. */
import { createProviderPool } from '../../src/oidc/provider/provider-pool.ts';
import { ui } from '../../src/surfaces/pages/screens.ts';
import type { Answer } from './http.ts';
import type { TestServer } from './server.ts';

export const callback = 'https://app.example.test/callback';
export const app = { redirect_uris: [callback], client_name: 'An app' };

export const registrationAddress = (server: TestServer, realm: string): string =>
  `${server.issuer(realm)}/clients-registrations/openid-connect`;

/** A text is sent as it is, anything else as JSON. */
export async function sendJson(
  method: string,
  url: string,
  { body, token }: { readonly body?: unknown; readonly token?: string | undefined } = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: text === '' ? {} : JSON.parse(text),
  };
}

/** What the command line does: a provider of its own on the same services. */
export async function invite(server: TestServer, realm: string, ttl = 60): Promise<string> {
  const { settings, ...services } = server.services;
  const pool = createProviderPool({ ...settings, ...services, ui });
  const provider = await pool.find(realm);
  if (provider === undefined || provider === 'disabled') throw new Error('no such realm');
  return provider.createInitialAccessToken({ ttl });
}
