/** Open registrations that nobody uses do not stay for ever. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { get, postForm } from '../support/http.ts';
import { acme } from '../support/realms.ts';
import { registrationAddress, sendJson } from '../support/registration.ts';
import { useServer } from '../support/use-server.ts';

const server = useServer({
  realms: [acme({ name: 'open', registration: { open: true, permissions: ['analytics:reports:read'] } })],
});
afterEach(() => {
  vi.useRealTimers();
});

const day = 86_400_000;
const later = (days: number) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * day });
};

const service = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const register = async () =>
  (await sendJson('POST', registrationAddress(server, 'open'), { body: service })).json;
const use = ({ client_id: id, client_secret: secret }: { client_id: string; client_secret: string }) =>
  postForm(server.endpoint('open', 'token'), { grant_type: 'client_credentials' }, { auth: [id, secret] });
const listed = async () =>
  (await server.services.registry.listClients('open', { limit: 100 })).items.map(({ id }) => id);

describe('a client of an open registration', () => {
  it('is forgotten after a week without a token, and stays for ever with one', async () => {
    const [unused, used] = [await register(), await register()];
    expect((await use(used)).status).toBe(200);

    later(8);

    expect((await use(unused)).status).toBe(401);
    expect((await use(used)).status).toBe(200);
    const ids = await listed();
    expect([ids.includes(unused.client_id), ids.includes(used.client_id)]).toEqual([false, true]);
  });

  it('can be used until then, and tells nobody what it is', async () => {
    const client = await register();
    const seen = await get(client.registration_client_uri, {
      authorization: `Bearer ${client.registration_access_token}`,
    });

    later(6);

    expect((await use(client)).status).toBe(200);
    expect(seen.json).not.toHaveProperty('unused');
  });
});
