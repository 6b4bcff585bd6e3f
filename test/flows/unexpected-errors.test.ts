/** A fault of ours is told in our words, without what went wrong: 500 to programs, a page to people. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestUrl } from '../support/authorization.ts';
import { get, postForm } from '../support/http.ts';
import { acme, george } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const lines: string[] = [];
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    realms: [acme()],
    log: lines,
    adapt: (services) => ({ ...services, registry: { ...services.registry, findClient: broken } }),
  });
});
afterAll(() => server?.stop());

async function broken(): Promise<never> {
  throw new Error('a bug with a secret in it');
}

describe('a fault of ours', () => {
  it.each(['token', 'token/introspect', 'revoke', 'ext/par/request', 'auth/device', 'ext/ciba/auth'])(
    'is server_error and nothing more to programs at %s',
    async (endpoint) => {
      for (const accept of ['application/json', 'text/html', '*/*']) {
        const answer = await postForm(
          server.endpoint('acme', endpoint),
          { ...george, token: 'x' },
          { headers: { accept } },
        );

        expect([answer.status, answer.text]).toEqual([500, '{"error":"server_error"}']);
      }
    },
  );

  it('is a page of ours to people', async () => {
    const answer = await get(requestUrl(server, { clientId: 'dc-ui' }).href, { accept: 'text/html' });

    expect(answer.status).toBe(500);
    expect(answer.text).toContain('The fault is ours');
    expect(answer.text).not.toMatch(/oops|secret in it/);
  });

  it('is in the log with its reason', async () => {
    await postForm(server.endpoint('acme', 'token'), george);

    expect(lines.join('\n')).toContain('a bug with a secret in it');
  });
});
