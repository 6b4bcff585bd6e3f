import { describe, expect, it } from 'vitest';
import { realmSettings } from '../../src/registry/model/model.ts';
import { cutBy, effectText, longestJwtLife } from '../../src/surfaces/admin/shared/effects.ts';

const now = Date.parse('2026-11-27T12:00:00Z');

function realmWith(...tokens: readonly object[]) {
  return realmSettings.parse({
    name: 'acme',
    lifetimes: { accessToken: 600 },
    apis: tokens.map((one, at) => ({
      id: `api-${at}`,
      audience: `https://${at}.test`,
      permissions: [],
      tokens: one,
    })),
  });
}

describe('how long JWTs of a realm live on', () => {
  it.each([
    [realmWith(), undefined],
    [realmWith({ format: 'opaque', ttl: 9000 }), undefined],
    [realmWith({ format: 'jwt' }), 600],
    [
      realmWith({ format: 'jwt', ttl: 60 }, { format: 'jwt', ttl: 900 }, { format: 'opaque', ttl: 9000 }),
      900,
    ],
  ])('case %#', (realm, life) => {
    expect(longestJwtLife(realm)).toBe(life);
  });
});

describe('what writes cut', () => {
  const [realm, ttl] = ['acme', 60];

  it.each([
    [[{ cut: 'u:1', realm, ttl }], 'all'],
    [[{ close: 'u:1', realm }], 'all'],
    [
      [
        { open: 'u:1', realm, ttl },
        { close: 'u:1', realm, ttl },
      ],
      'all',
    ],
    [[{ cut: 'other', realm, ttl }], 'minted'],
    [[{ open: 'u:1', realm, ttl }], undefined],
    [[], undefined],
  ] as const)('%j', (writes, cut) => {
    expect(cutBy(writes, 'u:1')).toBe(cut);
  });
});

describe('the words for it', () => {
  it('tell until when JWTs live on', () => {
    const text = effectText({ cut: 'all', what: 'user', sessions: 2, jwtLife: 900, now });

    expect(text).toContain('2 sessions and every token of the user');
    expect(text).toContain('until 2026-11-27T12:15:00.000Z at most');
  });

  it('promise no end of access tokens where there is none to wait for', () => {
    const text = effectText({ cut: 'all', what: 'realm', jwtLife: undefined, now });

    expect(text).toMatch(/^Dead now: every token of the realm\. Nothing lives on but guest tokens/);
  });

  it.each([
    [0, '0 sessions and'],
    [1, '1 session and'],
    [100, '100 sessions or more and'],
  ])('count %d sessions', (sessions, words) => {
    expect(effectText({ cut: 'all', what: 'user', sessions, jwtLife: undefined, now })).toContain(words);
  });

  it('are those of guest tokens alone, where only they are cut', () => {
    const text = effectText({ cut: 'minted', what: 'client', jwtLife: 900, now });

    expect(text).toMatch(/^Dead now: every guest token that the client minted\./);
    expect(text).not.toContain('2026');
  });

  it.each(['user', 'client', 'realm', 'section'] as const)('fit into a header: %s', (what) => {
    for (const cut of ['all', 'minted'] as const) {
      expect(effectText({ cut, what, sessions: 3, jwtLife: 900, now })).toMatch(/^[ -~]{1,300}$/);
    }
  });
});
