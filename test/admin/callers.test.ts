/** Whose token counts at the admin API, and what is answered to all others. */
import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { dpopProof, newKey } from '../support/proofs.ts';
import { useServer } from '../support/use-server.ts';
import { adminToken, callerWith, head, tenant } from './support.ts';

const base = tenant('acme');
const server = useServer({
  realms: [
    head,
    { ...base, users: [{ username: 'ada', password: 'ada_password', roles: ['realm-admin'] }] },
    tenant('off', { enabled: false }),
  ],
});
const path = '/realms/acme/clients';

function token(form: Record<string, string>, headers: Record<string, string> = {}) {
  const auth = ['realm-admin', 'realm-admin-secret'] as const;
  return postForm(
    server.endpoint('acme', 'token'),
    { grant_type: 'client_credentials', ...form },
    { auth, headers },
  );
}

describe('a token', () => {
  it('for another API counts for nothing, whatever its owner may', async () => {
    const { json } = await token({});

    const { status, headers, body } = await callerWith(server, json.access_token)({ path });

    expect([status, body.code]).toEqual([401, 'invalid_token']);
    expect(headers.get('WWW-Authenticate')).toBe('Bearer realm="admin", error="invalid_token"');
  });

  it('with fewer scopes than its owner has counts for those', async () => {
    const { json } = await token({ resource: 'urn:daypass:admin', scope: 'clients:read' });
    const call = callerWith(server, json.access_token);

    expect((await call({ path })).status).toBe(200);
    expect((await call({ method: 'POST', path, body: { id: 'x' } })).status).toBe(403);
  });

  it('of a person counts until the person is disabled', async () => {
    const form = { grant_type: 'password', client_id: 'dc-ui', username: 'ada', password: 'ada_password' };
    const { json } = await postForm(server.endpoint('acme', 'token'), {
      ...form,
      resource: 'urn:daypass:admin',
    });
    const call = callerWith(server, json.access_token);
    expect((await call({ path })).status).toBe(200);
    const root = callerWith(server, await adminToken(server, head.name, 'root'));
    const { body } = await root({ path: '/realms/acme/users?search=ada' });

    const user = `/realms/acme/users/${body.items[0].id}`;
    await root({ method: 'PATCH', path: user, body: { enabled: false }, headers: { 'If-Match': '*' } });

    expect((await call({ path })).status).toBe(401);
  });

  it('that is bound to a key needs a fresh proof for each call', async () => {
    const key = await newKey();
    const address = `${server.url}/admin/v1${path}`;
    const proof = await dpopProof(key, { url: server.endpoint('acme', 'token') });
    const { json } = await token({ resource: 'urn:daypass:admin' }, { DPoP: proof });
    const value: string = json.access_token;
    const call = async (scheme: string, shown?: string) =>
      (
        await fetch(address, {
          headers: { Authorization: `${scheme} ${value}`, ...(shown === undefined ? {} : { DPoP: shown }) },
        })
      ).status;
    const good = await dpopProof(key, { url: address, method: 'GET', token: value });

    expect(await call('DPoP', good)).toBe(200);
    expect(await call('DPoP', good)).toBe(401);
    expect(await call('Bearer')).toBe(401);
    const elsewhere = await dpopProof(key, { url: `${address}/x`, method: 'GET', token: value });
    expect(await call('DPoP', elsewhere)).toBe(401);
    const stranger = await dpopProof(await newKey(), { url: address, method: 'GET', token: value });
    expect(await call('DPoP', stranger)).toBe(401);
  });
});

describe('nobody', () => {
  it('learns which realms, clients or users there are', async () => {
    const nobody = callerWith(server, '');
    const wrong = callerWith(server, 'dpa_wrong');
    const places = [
      '/realms/acme/clients/portal',
      '/realms/acme/clients/none',
      '/realms/none/clients',
      '/realms/off',
    ];

    const answers = await Promise.all(places.flatMap((one) => [nobody({ path: one }), wrong({ path: one })]));

    expect(new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body)}`)).size).toBe(1);
  });
});

describe('an address', () => {
  it('that is nobody’s is a problem too', async () => {
    const root = callerWith(server, await adminToken(server, head.name, 'root'));

    const { status, body } = await root({ path: '/realms/acme/nothing' });

    expect([status, body.code]).toEqual([404, 'not_found']);
  });

  it('below a disabled realm answers administrators of all realms', async () => {
    const root = callerWith(server, await adminToken(server, head.name, 'root'));

    expect((await root({ path: '/realms/off' })).body.enabled).toBe(false);
    const { etag } = await root({ path: '/realms/off' });
    const on = {
      method: 'PATCH',
      path: '/realms/off',
      body: { enabled: true },
      headers: { 'If-Match': etag },
    };
    expect((await root(on)).status).toBe(200);
  });
});

describe('a body', () => {
  const send = async (body: string, headers: Record<string, string>) => {
    const admin = await adminToken(server, head.name, 'root');
    const response = await fetch(`${server.url}/admin/v1${path}`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${admin}`, ...headers },
      body,
    });
    return [response.status, ((await response.json()) as { code: string }).code];
  };
  const json = { 'Content-Type': 'application/json' };

  it.each([
    ['{', json, [400, 'invalid_request']],
    ['{"id":"x","id":"y"}', json, [400, 'invalid_request']],
    ['[]', json, [400, 'invalid_request']],
    ['null', json, [400, 'invalid_request']],
    ['', json, [400, 'invalid_request']],
    ['{"__proto__":{"id":"x"}}', json, [400, 'invalid_request']],
    ['{"id":"x"}', { 'Content-Type': 'text/plain' }, [415, 'unsupported_media_type']],
    [`{"id":"${'x'.repeat(70_000)}"}`, json, [413, 'body_too_large']],
  ] as const)('%.20s is refused', async (body, headers, expected) => {
    expect(await send(body, headers)).toEqual(expected);
  });
});
