import { describe, expect, it } from 'vitest';
import { authenticationContext, reachableLevels } from '../../src/authn/authentication-context.ts';
import { createLockout } from '../../src/authn/lockout.ts';
import { openRegistry } from './registry-support.ts';

describe('what a login is worth', () => {
  it.each([
    ['the first level of the realm', ['pwd', 'pwd+otp'], 'pwd'],
    ['1 in a realm without levels', [], '1'],
  ])('is %s after a password', (_, levels, acr) => {
    expect(authenticationContext(levels, ['password'])).toEqual({ acr, amr: ['pwd'] });
  });

  it('does not rise when one step is passed twice', () => {
    expect(authenticationContext(['low', 'high'], ['password', 'password'])).toEqual({
      acr: 'low',
      amr: ['pwd'],
    });
  });

  it('reaches the levels that there are steps for', () => {
    expect([...reachableLevels(['low', 'high'])]).toEqual(['low']);
    expect([...reachableLevels([])]).toEqual(['1']);
  });
});

describe('the lockout of a step', () => {
  async function lockoutOf(lockAfter: number) {
    const { store, registry } = await openRegistry();
    await registry.applyRealm({ name: 'acme', passwords: { lockAfter } });
    const realm = await registry.findRealm('acme');
    if (realm === undefined) throw new Error('there is no realm');
    const attempt = (who: string) => ({ realm, step: 'password', who }) as const;
    return { lockout: createLockout(store), attempt };
  }

  it('begins when somebody was wrong as often as the realm says', async () => {
    const { lockout, attempt } = await lockoutOf(2);
    const seen = [];

    for (let tries = 0; tries < 2; tries += 1) {
      await lockout.countWrong(attempt('george'));
      seen.push(await lockout.isLocked(attempt('george')));
    }

    expect(seen).toEqual([false, true]);
  });

  it('is for one person', async () => {
    const { lockout, attempt } = await lockoutOf(1);

    await lockout.countWrong(attempt('george'));

    expect(await lockout.isLocked(attempt('ada'))).toBe(false);
  });
});
