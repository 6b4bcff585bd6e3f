import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { isFailure } from '../../src/base/errors.ts';
import { storeAddress } from '../../src/storage/port/address.ts';

describe('the address of a store', () => {
  it.each([
    ['sqlite:./data/x.db', { engine: 'embedded', path: './data/x.db' }],
    ['sqlite:/var/x.db', { engine: 'embedded', path: '/var/x.db' }],
    ['sqlite:///var/x.db', { engine: 'embedded', path: '/var/x.db' }],
    ['redis://h', { engine: 'redis', host: 'h', port: 6379, db: 0, isTls: false }],
    [
      'rediss://ada:s%3Ap%40ss%2F@[::1]:7000/3',
      { engine: 'redis', host: '::1', port: 7000, db: 3, username: 'ada', password: 's:p@ss/', isTls: true },
    ],
    ['redis://:p@h/', { engine: 'redis', host: 'h', port: 6379, db: 0, password: 'p', isTls: false }],
  ])('%s is understood', (url, address) => {
    expect(storeAddress(url)).toEqual(address);
  });

  it.each([
    'redis://',
    'redis://h/x',
    'redis://h?db=1',
    'redis://u:s3cret@h/1/2',
    'redis://u:s3cret%@h',
    'redis://u:s3cret@h:x',
    'redis+sentinel://:s3cret@h1,h2/name',
    'redis+cluster://:s3cret@h1,h2',
    'mysql://u:s3cret@h',
    'sqlite:',
    'sqlite::memory:',
    '',
  ])('%s is refused without being repeated', (url) => {
    let thrown: unknown;
    try {
      storeAddress(url);
    } catch (error) {
      thrown = error;
    }

    expect(isFailure(thrown, 'invalid_input')).toBe(true);
    expect(inspect(thrown)).not.toContain('s3cret');
  });
});
