/** What an event of a change shows of it. */
import { describe, expect, it } from 'vitest';
import { changesOf } from '../../src/audit/changes.ts';

describe('the changes of an event', () => {
  it('are the members that differ, before and after', () => {
    const before = { id: 'web', grants: ['password'], pkce: 'required', fapi: undefined };
    const after = { id: 'web', grants: ['password', 'refresh_token'], pkce: 'required', consent: 'once' };

    expect(changesOf({ what: 'client', before, after })).toEqual({
      grants: { before: ['password'], after: ['password', 'refresh_token'] },
      consent: { after: 'once' },
    });
  });

  it('are all members of what was created or removed', () => {
    expect(changesOf({ what: 'client', after: { id: 'web' } })).toEqual({ id: { after: 'web' } });
    expect(changesOf({ what: 'client', before: { id: 'web' } })).toEqual({ id: { before: 'web' } });
  });

  it.each([
    ['client', { secret: 'dpc_1' }],
    ['client', { previousSecret: 'dpc_1' }],
    ['client', { registered: { anything: 'dpc_1' } }],
    ['client', { jwks: { keys: [{ kty: 'oct', k: 'dpc_1' }] } }],
    ['client', { jwks: { keys: [{ kty: 'EC', d: 'dpc_1' }] } }],
    ['client', { mints: { deep: [{ webhookSecret: 'dpc_1' }] } }],
    ['realm', { compat: { databrain: { apiKey: 'dpc_1' } } }],
    ['user', { password: 'dpc_1' }],
    ['user', { passwordHash: 'dpc_1' }],
    ['user', { appliedPassword: 'dpc_1' }],
    ['user', { username: 'dpc_1' }],
    ['user', { email: 'dpc_1' }],
    ['user', { attributes: { region: 'dpc_1' } }],
    ['user', { address: { locality: 'dpc_1' } }],
  ] as const)('of a %s hide the value of %j, and show that it changed', (what, after) => {
    const [name = ''] = Object.keys(after);

    const changes = changesOf({ what, before: {}, after });

    expect(Object.keys(changes)).toEqual([name]);
    expect(JSON.stringify(changes)).toContain('(hidden)');
    expect(JSON.stringify(changes)).not.toContain('dpc_1');
  });

  it('show rules about passwords, which are no passwords', () => {
    const passwords = { minLength: 12 };

    expect(changesOf({ what: 'realm', after: { passwords } })).toEqual({ passwords: { after: passwords } });
  });

  it('name a large value by its hash', () => {
    const redirectUris = Array.from({ length: 1000 }, (_, at) => `https://app.example/${at}`);

    const changes = changesOf({ what: 'client', after: { redirectUris } });

    expect(changes['redirectUris']?.after).toMatch(/^\(\d+ characters, SHA-256 [\w-]{43}\)$/);
  });
});
