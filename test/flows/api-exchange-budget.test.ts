/** An exchange costs no more than its budget of CPU, whatever its body, in the largest realm there can be. */
import { beforeAll, describe, expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { ACCESS_TOKEN, audienceOf, bert, by, callsOf, EXCHANGE } from './api-exchange-support.ts';
import { expectCheap, times } from './cpu-budget-support.ts';

const permissions = times(500, (index) => `permission-${index}`);
const apis = times(100, (index) => ({
  id: `api-${index}`,
  audience: audienceOf(`api-${index}`),
  permissions: permissions.map((name) => ({ name })),
  ...(index === 0 ? { default: true } : {}),
}));
const ofLast = permissions.map((name) => `api-99:${name}`);

const server = useServer({
  realms: ['strict', 'keycloak'].map((profile) => ({
    name: profile,
    profile,
    apis,
    roles: [{ name: 'all', permissions: ofLast }],
    clients: [
      { id: 'ui', public: true, firstParty: true, grants: ['password'] },
      {
        id: 'shop',
        secret: 'shop-secret',
        grants: [EXCHANGE],
        introspects: apis.map(({ id }) => id),
        exchanges: apis.map(({ id }) => id),
        permissions: ofLast,
      },
    ],
    users: [{ ...bert, roles: ['all'] }],
  })),
});

describe.each(['strict', 'keycloak'])('in a realm with the profile %s', (realm) => {
  const { login, exchange } = callsOf(server, realm);
  let subject: string;
  beforeAll(async () => {
    subject = await login();
  });

  const long = 'x'.repeat(50_000);
  const scope = permissions.join(' ');
  const last = { audience: 'api-99' };
  it.each<[string, Record<string, string>, number, (readonly [string, string])[]?]>([
    ['every permission, named', { ...last, scope }, 200],
    ['every permission, not named', last, 200],
    [
      'one permission as often as the body holds it',
      { ...last, scope: 'permission-0 '.repeat(4000).trim() },
      200,
    ],
    ['scopes that do not exist', { ...last, scope: 'a '.repeat(25_000).trim() }, 400],
    ['900 audiences', {}, 400, times(900, (index) => ['audience', `c${index}`])],
    ['900 resources', {}, 400, times(900, (index) => ['resource', `https://a${index}.test`])],
    ['a long audience', { audience: long }, 400],
    ['a long resource', { audience: '', resource: `https://a.test/${long}` }, 400],
    ['a long subject token', { ...last, subject_token: long }, 400],
    ['a long actor token', { ...last, actor_token: long, actor_token_type: ACCESS_TOKEN }, 400],
    ['a long type', { ...last, requested_token_type: long }, 400],
  ])('%s', async (_what, more, status, pairs = []) => {
    const answer = await expectCheap(() => exchange(subject, more, { pairs, auth: by('shop') }));

    expect(answer.status).toBe(status);
  });
});
