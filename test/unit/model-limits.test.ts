import { describe, expect, it } from 'vitest';
import { client, clientId, lifetimes, realmSettings } from '../../src/registry/model/model.ts';

describe('a client id', () => {
  it.each(['0f8fad5b-d9cb-469f-a165-70867728950e', 'guest:ann', 'daypass-account', 'two words', ''])(
    'cannot be %j, which is or looks like something else',
    (id) => {
      expect(clientId.safeParse(id).success).toBe(false);
    },
  );

  it.each(['portal', 'dcr-0f8fad5b-d9cb-469f-a165-70867728950e', 'https://app.example'])(
    'can be %j',
    (id) => {
      expect(clientId.safeParse(id).success).toBe(true);
    },
  );
});

it.each([
  [1000, true],
  [1001, false],
])('a client may have %i redirect URIs: %s', (count, isAllowed) => {
  const redirectUris = Array.from({ length: count }, (_, n) => `https://tenant-${n}.example/callback`);

  expect(client.safeParse({ id: 'saas', redirectUris }).success).toBe(isAllowed);
});

describe('lifetimes', () => {
  it.each([
    { authorizationCode: 61 },
    { pushedRequest: 600 },
    { refreshTokenMax: 5_184_001 },
    { accessToken: 0 },
  ])('cannot be %o', (given) => {
    expect(lifetimes.safeParse(given).success).toBe(false);
  });

  it('are half an hour for access tokens and a minute for codes where a realm says nothing', () => {
    const { lifetimes: found } = realmSettings.parse({ name: 'acme' });

    expect(found).toMatchObject({ accessToken: 1800, authorizationCode: 60 });
  });
});
