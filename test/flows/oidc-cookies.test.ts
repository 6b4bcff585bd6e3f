/** What a browser may do with the cookies of a realm. */
import { expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { browserRealm } from './oidc-realm.ts';

const server = useServer({
  realms: [browserRealm(), browserRealm({ name: 'keyed', profile: 'keycloak' })],
  env: { DAYPASS_URL: 'https://login.example' },
});

/** Behind a proxy that speaks https to the world. */
async function sessionCookie(realm: string): Promise<string | undefined> {
  const { port } = server.services.settings;
  const response = await fetch(`http://127.0.0.1:${port}/realms/${realm}/device`);
  return response.headers.getSetCookie().find((line) => line.startsWith('_session='));
}

it('sends them over https only, and from other sites by link only', async () => {
  const cookie = await sessionCookie('acme');

  expect(cookie).toMatch(/; path=\/realms\/acme; samesite=lax; secure; httponly/i);
});

it('lets frames of other sites have those of a realm for Keycloak clients', async () => {
  const cookie = await sessionCookie('keyed');

  expect(cookie).toMatch(/; path=\/realms\/keyed; samesite=none; secure; httponly/i);
});
