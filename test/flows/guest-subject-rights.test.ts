/** What happens to a guest when its user, or a policy it is under, is not what it was when the guest was made. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { randomId } from '../../src/base/random.ts';
import type { Policy, User } from '../../src/registry/model/model.ts';
import { type Answer, postForm } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import {
  ACCESS_TOKEN,
  detail,
  exchange as exchangeAt,
  grant,
  guestRealm,
  ID_TOKEN,
  introspect,
  mintGuest,
  mints,
  ownRows,
  refreshGuest,
} from './guest-support.ts';

const REVOKED = { active: false, guest_reason: 'revoked' };
const editors = { name: 'editor', permissions: ['analytics:dashboards:read', 'analytics:dashboards:write'] };
const readers = { ...editors, permissions: ['analytics:dashboards:read'] };
const region = (col: string): Policy => ({
  kind: 'row',
  name: 'region',
  parameters: ['state'],
  template: { col, op: 'in', value: '{{ state }}' },
});

let server: TestServer;
let user: User;
let login: Record<string, string>;

beforeEach(async () => {
  server ??= await startTestServer({
    realms: [
      guestRealm(
        { roles: [...guestRealm().roles, editors], policies: [region('state')] },
        { portal: { mints: { ...mints, actions: ['view', 'filter', 'edit'] } } },
      ),
    ],
  });
  await server.services.registry.applyRealm({ name: 'acme', roles: [editors], policies: [region('state')] });
  const username = `u-${randomId()}`;
  const known = await server.services.registry.findUserByLogin('acme', 'george.becker');
  user = await server.services.registry.createUser('acme', {
    username,
    passwordHash: known?.user.passwordHash,
    roles: ['editor'],
  });
  const form = {
    client_id: 'dc-ui',
    grant_type: 'password',
    username,
    password: 'my_password',
    scope: 'openid dashboards:read',
  };
  login = (await postForm(server.endpoint('acme', 'token'), form)).json;
});
afterAll(() => server?.stop());

const change = (fields: Partial<User>) =>
  server.services.registry.updateUser('acme', user.id, (now) => ({ ...now, ...fields }));
const roleIs = (role: typeof editors) => server.services.registry.applyRealm({ name: 'acme', roles: [role] });

function exchange(more: { subject?: string; type?: string; actions?: string[] } = {}): Promise<Answer> {
  const { subject = login['access_token'] ?? '', type = ACCESS_TOKEN, actions = ['view', 'edit'] } = more;
  // What was made from a guest is not refreshed.
  const kind = subject.startsWith('dpg_') ? 'access_token' : 'refresh_token';
  return exchangeAt(server, {
    subject,
    type,
    details: [detail({ rows: 'all', actions })],
    more: { requested_token_type: `urn:ietf:params:oauth:token-type:${kind}` },
  });
}

const payload = async ({ json }: Answer) => (await introspect(server, json.access_token)).json;
const refreshed = ({ json }: Answer) => refreshGuest(server, json.refresh_token);

describe('a guest that was made from a user', () => {
  it.each([
    ['access_token', ACCESS_TOKEN],
    ['id_token', ID_TOKEN],
  ])('(by %s) dies with its children when the user loses a role', async (name, type) => {
    const guest = await exchange({ subject: login[name] ?? '', type });
    const child = await exchange({ subject: guest.json.access_token });
    expect([await payload(guest), await payload(child)]).toMatchObject([{ active: true }, { active: true }]);

    await change({ roles: [] });

    expect([await payload(guest), await payload(child)]).toEqual([REVOKED, REVOKED]);
    expect((await refreshed(guest)).json.error).toBe('invalid_grant');
    expect((await exchange({ subject: login[name] ?? '', type })).json.error).toBe('invalid_request');
  });

  it.each<[string, Partial<User>]>([
    ['disabled', { enabled: false }],
    [
      'given another password',
      { passwordHash: `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}` },
    ],
  ])('dies when the user is %s', async (_what, fields) => {
    const guest = await exchange();

    await change(fields);

    expect(await payload(guest)).toEqual(REVOKED);
    expect((await refreshed(guest)).json.error).toBe('invalid_grant');
  });

  it('lives on when the user gets a role or another name', async () => {
    const guest = await exchange();

    await change({ roles: ['editor', 'analyst'], name: 'Somebody Else' });

    expect(await payload(guest)).toMatchObject({ active: true, scope: 'guest:view guest:edit' });
  });

  it('is refreshed and passed on with the rights that the role of the user has by then', async () => {
    const guest = await exchange();
    expect(guest.json.scope).toBe('guest:view guest:edit');

    await roleIs(readers);
    const child = await exchange({ subject: guest.json.access_token });
    const renewed = await refreshed(guest);
    const grandchild = await exchange({ subject: renewed.json.access_token, actions: ['view'] });

    expect([child, renewed, grandchild].map(({ json }) => json.scope)).toEqual(Array(3).fill('guest:view'));
    await roleIs(editors);
    expect((await refreshed(renewed)).json.scope).toBe('guest:view guest:edit');
  });

  it('has at introspection only the rights that the role gives by then', async () => {
    const guest = await exchange();
    const child = await exchange({ subject: guest.json.access_token });

    await roleIs(readers);

    const said = [await payload(guest), await payload(child)];
    const left = said.map(({ scope, authorization_details: [first] }) => [scope, first.actions]);
    expect(left).toEqual(Array(2).fill(['guest:view', ['view']]));
    await roleIs({ ...editors, permissions: [] });
    expect([await payload(guest), await payload(child)]).toEqual([REVOKED, REVOKED]);
  });

  it('is not refreshed with rights that are gone altogether', async () => {
    const guest = await exchange();

    await roleIs({ ...editors, permissions: [] });

    expect(await refreshed(guest)).toMatchObject({
      status: 400,
      json: { error: 'invalid_authorization_details' },
    });
  });
});

describe('a row policy that changes', () => {
  const minted = async (format: string) => {
    const policies = [{ kind: 'row', name: 'region', params: { state: ['CA'] } }];
    return (await mintGuest(server, grant({ format, policies }))).json.token;
  };
  const ask = async (token: string) => (await introspect(server, token, { resource: 'dash-1' })).json;
  const limit = (col: string) => ({ and: [{ col, op: 'in', value: ['CA'] }, ownRows] });

  it.each(['opaque', 'uuid', 'jwt_reference'])('counts at once for %s tokens', async (format) => {
    const token = await minted(format);
    const before = await ask(token);
    await server.services.registry.applyRealm({ name: 'acme', policies: [region('province')] });
    const after = await ask(token);
    const unfit = { ...region('state'), parameters: ['state', 'country'] };
    await server.services.registry.applyRealm({ name: 'acme', policies: [unfit] });

    expect([before.policy.rows, after.policy.rows]).toEqual([limit('state'), limit('province')]);
    expect(after.pol).not.toBe(before.pol);
    expect(await ask(token)).toEqual({ active: false, guest_reason: 'policy_changed' });
  });

  it('does not change what a signed token says', async () => {
    const token = await minted('jwt');
    const before = await ask(token);

    await server.services.registry.applyRealm({ name: 'acme', policies: [region('province')] });

    const after = await ask(token);
    expect([after.policy.rows, after.pol]).toEqual([limit('state'), before.pol]);
  });

  it('that is SQL of the client ends the token when the realm has no more of it', async () => {
    const { registry } = server.services;
    await registry.applyRealm({ name: 'acme', guests: { allowRawSql: true } });
    const query = { col: 'a', op: 'in_query', value: { sql: 'SELECT a FROM b', columnName: 'a' } };
    const resources = [{ type: 'dashboard', id: 'dash-1', actions: ['view'], rows: query }];
    const { token } = (await mintGuest(server, grant({ resources }))).json;
    const before = await ask(token);

    await registry.applyRealm({ name: 'acme', guests: { allowRawSql: false } });

    expect([before.allowed, before.policy.rows]).toEqual([true, query]);
    expect(await ask(token)).toEqual({ active: false, guest_reason: 'policy_changed' });
  });
});
