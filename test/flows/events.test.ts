/** What happens in a realm is an event: emitted once, after it is true. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../src/observability/events.ts';
import { postForm } from '../support/http.ts';
import { acme } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let heard: DomainEvent[] = [];

beforeAll(async () => {
  server = await startTestServer({ realms: [acme()] });
  server.services.events.subscribe((event) => heard.push(event));
});
afterAll(() => server?.stop());
beforeEach(() => {
  heard = [];
});

const types = () => heard.map(({ type }) => type);
const login = (password: string, username = 'george.becker') =>
  postForm(server.endpoint('acme', 'token'), {
    grant_type: 'password',
    client_id: 'dc-ui',
    username,
    password,
  });

describe('domain events', () => {
  it('tell of a login by its step', async () => {
    await login('my_password');

    expect(heard).toContainEqual(
      expect.objectContaining({ type: 'login.succeeded', realm: 'acme', step: 'password' }),
    );
  });

  it.each([
    ['a wrong password', 'george.becker', true],
    ['an unknown name', 'nobody', false],
  ])('tell of %s', async (_, username, isUser) => {
    await login('wrong', username);

    const [failed] = heard.filter(({ type }) => type === 'login.failed');
    expect(failed).toMatchObject({ realm: 'acme', step: 'password', reason: 'credentials' });
    expect(failed !== undefined && 'user' in failed && failed.user !== undefined).toBe(isUser);
  });

  it('tell of a login that failed for a lock, which the caller is not told', async () => {
    await server.services.registry.createUser('acme', { username: 'locked', password: 'first-Passwort-1' });
    for (let tries = 0; tries < 20; tries += 1) await login('wrong', 'locked');
    heard = [];

    const answer = await login('first-Passwort-1', 'locked');

    expect(answer.json).toMatchObject({ error: 'invalid_grant' });
    expect(heard).toContainEqual(expect.objectContaining({ type: 'login.failed', reason: 'locked' }));
  });

  it('tell of a change of the registry and of what it revoked', async () => {
    const user = await server.services.registry.createUser('acme', {
      username: 'leaves',
      password: 'x-Passwort-1',
    });
    heard = [];

    await server.services.registry.updateUser('acme', user.id, (now) => ({ ...now, enabled: false }));

    expect(types().toSorted()).toEqual(['registry.changed', 'revocation']);
    expect(heard).toContainEqual(
      expect.objectContaining({ type: 'registry.changed', what: 'user', id: user.id }),
    );
    expect(heard).toContainEqual(expect.objectContaining({ type: 'revocation', kinds: ['user'] }));
  });

  it('tell of new signing keys', async () => {
    await server.services.keyRing.rotate('acme');

    expect(heard).toContainEqual(expect.objectContaining({ type: 'keys.rotated', realm: 'acme' }));
  });
});
