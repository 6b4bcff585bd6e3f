import { describe, expect, it } from 'vitest';
import { realmSettings } from '../../src/registry/model/model.ts';
import { viewOf } from '../../src/registry/model/realm-view.ts';
import { permits, withCurrentRights } from '../../src/tokens/current-rights.ts';
import type { TokenRecord } from '../../src/tokens/record.ts';

const api = 'https://api.test';
const other = 'https://other.test';
const view = viewOf(
  realmSettings.parse({
    name: 'acme',
    apis: [
      { id: 'api', audience: api, permissions: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] },
      { id: 'other', audience: other, permissions: [{ name: 'd' }] },
    ],
    roles: [
      { name: 'clerk', permissions: ['api:a'] },
      { name: 'boss', permissions: ['api:b', 'api:gone', 'other:d'], includes: ['clerk'] },
    ],
  }),
  1,
);
const oidcScopes = new Set(['openid']);
const token = (fields: Partial<TokenRecord> = {}): TokenRecord => ({
  kind: 'AccessToken',
  clientId: 'app',
  aud: api,
  scope: 'openid a b c gone',
  iat: 1,
  exp: 2,
  extra: { username: 'bert', roles: ['boss'] },
  ...fields,
});

describe('the rights of a token', () => {
  it.each<[string, Partial<TokenRecord>, string | undefined]>([
    ['are what its roles give at its API', {}, 'openid a b'],
    ['are none of another API', { scope: 'd' }, ''],
    ['at an API that is gone are none', { aud: 'https://gone.test' }, 'openid'],
    ['without roles are none', { extra: {} }, 'openid'],
    ['of a role that is gone are none', { extra: { roles: ['chief'] } }, 'openid'],
    ['as a refresh token are those at its APIs', { aud: '', resource: [api, other], scope: 'a d' }, 'a d'],
  ])('%s', (_what, fields, scope) => {
    expect(withCurrentRights(token(fields), view, oidcScopes).scope).toBe(scope);
  });

  it('name no role that is gone', () => {
    const extra = { username: 'bert', roles: ['chief', 'boss'] };

    const current = withCurrentRights(token({ extra }), view, oidcScopes);

    expect(current.extra).toEqual({ username: 'bert', roles: ['boss'] });
  });

  it.each([
    [api, 'b', true],
    [api, 'a', true],
    [api, 'c', false],
    [api, 'gone', false],
    [api, 'a b', false],
    [api, 'openid', false],
    [other, 'd', false],
  ])('permit at %s %s: %s', (audience, permission, isPermitted) => {
    expect(permits(token(), view, audience, permission)).toBe(isPermitted);
  });
});
