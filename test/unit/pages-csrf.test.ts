import { describe, expect, it } from 'vitest';
import { createCsrf, sameOrigin } from '../../src/http/csrf.ts';

const csrf = createCsrf(Buffer.alloc(32, 1));

describe('form tokens', () => {
  it('are accepted for what they were made for, in every process', () => {
    const token = csrf.token('session-1', 'login');

    expect(createCsrf(Buffer.alloc(32, 1)).matches(token, 'session-1', 'login')).toBe(true);
  });

  it('never look the same twice', () => {
    expect(csrf.token('session-1', 'login')).not.toBe(csrf.token('session-1', 'login'));
  });

  it.each([
    ['another session', csrf.token('session-2', 'login')],
    ['another purpose', csrf.token('session-1', 'logout')],
    ['parts that only join to the same', csrf.token('session-1","login', '')],
    ['another secret', createCsrf(Buffer.alloc(32, 2)).token('session-1', 'login')],
    ['something appended', `${csrf.token('session-1', 'login')}.x`],
    ['no signature', csrf.token('session-1', 'login').split('.')[0]],
    ['nothing', ''],
    ['a list', [csrf.token('session-1', 'login')]],
    ['no field at all', undefined],
  ])('are refused with %s', (_case, token) => {
    expect(csrf.matches(token, 'session-1', 'login')).toBe(false);
  });

  it('need a secret worth the name', () => {
    expect(() => createCsrf(Buffer.alloc(16))).toThrow(RangeError);
  });
});

describe('the origin of a request', () => {
  it.each([
    [{ 'Sec-Fetch-Site': 'same-origin', Origin: 'null' }, true],
    [{ 'Sec-Fetch-Site': 'same-site', Origin: 'https://id.example.com' }, false],
    [{ 'Sec-Fetch-Site': 'cross-site' }, false],
    [{ 'Sec-Fetch-Site': 'none' }, false],
    [{ Origin: 'https://id.example.com' }, true],
    [{ Origin: 'https://id.example.com.evil.example' }, false],
    [{ Origin: 'http://id.example.com' }, false],
    [{ Origin: 'null' }, true],
    [{}, true],
  ])('by %j is ours: %s', (headers: Record<string, string>, isOurs) => {
    const ctx = { get: (name: string) => headers[name] ?? '' };

    expect(sameOrigin(ctx, 'https://id.example.com')).toBe(isOurs);
  });
});
