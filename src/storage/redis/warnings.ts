import type { Redis } from 'ioredis';
import { isFailure } from '../../base/errors.ts';
import { answer } from './connect.ts';

const wanted = [
  {
    name: 'appendonly',
    value: 'yes',
    otherwise: 'what was acknowledged may be lost when Redis restarts',
  },
  {
    name: 'maxmemory-policy',
    value: 'noeviction',
    otherwise: 'Redis may drop cuts when memory is short, and revoked tokens would live again',
  },
];

/**
 * Warnings about the settings of this Redis. Many hosted ones do not show their settings; then that is the warning.
 */
export async function warningsOf(redis: Redis): Promise<readonly string[]> {
  const found = await Promise.all(wanted.map(({ name }) => settingOf(redis, name)));
  return wanted.flatMap(({ name, value, otherwise }, i) => {
    if (found[i] === value) return [];
    return found[i] === undefined
      ? [`could not check that Redis has ${name} ${value}; without it ${otherwise}`]
      : [`Redis has ${name} ${found[i]} instead of ${value}: ${otherwise}`];
  });
}

async function settingOf(redis: Redis, name: string): Promise<string | undefined> {
  try {
    const [, value] = await answer(redis, redis.config('GET', name));
    return value;
  } catch (error) {
    // CONFIG may be forbidden or renamed. A Redis that answers nothing, or forbids more, gives no warning here.
    const reply = isFailure(error, 'unavailable') && error.cause instanceof Error ? error.cause.message : '';
    if (isFailure(error, 'unavailable') && !/^NOPERM.*'config/i.test(reply)) throw error;
    return undefined;
  }
}
