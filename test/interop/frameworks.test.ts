/** Web frameworks' own ways to sign people in: Auth.js and Passport. */
import { createRequire } from 'node:module';
import { Auth } from '@auth/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoRealm, george } from '../support/demo.ts';
import { type App, type Loose, sessions, startExpress } from '../support/express-app.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor, signIn } from '../support/visitor.ts';

// These packages are CommonJS without types of their own.
const require = createRequire(import.meta.url);

let server: TestServer;
let site: App;

beforeAll(async () => {
  site = await startExpress();
  const moved = {
    'localhost:3001/callback': `localhost:${site.port}/callback`,
    'http://localhost:3001/?auth_callback=1': 'http://localhost:3001/auth/callback/daypass',
  };
  server = await startTestServer({ realms: [demoRealm('globex', moved)] });
});
afterAll(async () => {
  await site?.stop();
  await server?.stop();
});

/** A person goes where an application sends them, and comes back to this address. */
async function comeBack(sent: string): Promise<URL> {
  const visitor = createVisitor(server.url);
  const { location } = await signIn(visitor, await visitor.open(sent), george);
  if (location === undefined) throw new Error('the person did not come back');
  return location;
}

describe('Auth.js', () => {
  const base = 'http://localhost:3001/auth';
  const cookies = new Map<string, string>();

  async function ask(address: string | URL, form?: Record<string, string>): Promise<Response> {
    const request = new Request(address, {
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    });
    const response = await Auth(request, {
      basePath: '/auth',
      secret: 'a secret of the application',
      trustHost: true,
      providers: [
        {
          id: 'daypass',
          name: 'Daypass',
          type: 'oidc',
          issuer: server.issuer('globex'),
          clientId: 'web',
          clientSecret: 'web-secret',
        },
      ],
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    return response;
  }

  it('signs a person in with nothing but the issuer, the client and its secret', async () => {
    const { csrfToken } = await (await ask(`${base}/csrf`)).json();
    const sent = await ask(`${base}/signin/daypass`, { csrfToken, callbackUrl: 'http://localhost:3001/' });
    const back = await comeBack(sent.headers.get('location') ?? '');

    const done = await ask(back);

    expect(done.headers.get('location')).toBe('http://localhost:3001/');
    expect(await (await ask(`${base}/session`)).json()).toMatchObject({
      user: { name: 'George Becker', email: 'george.becker@globex.test' },
    });
  });
});

describe('Passport', () => {
  it('signs a person in', async () => {
    const { Passport }: Loose = require('passport');
    const { Strategy }: Loose = require('passport-openidconnect');
    const passport = new Passport();
    const options = {
      issuer: server.issuer('globex'),
      authorizationURL: server.endpoint('globex', 'auth'),
      tokenURL: server.endpoint('globex', 'token'),
      userInfoURL: server.endpoint('globex', 'userinfo'),
      clientID: 'web',
      clientSecret: 'web-secret',
      callbackURL: `${site.origin}/callback`,
      scope: ['profile', 'email'],
      nonce: 'a nonce',
      skipUserProfile: false,
    };
    passport.use(
      new Strategy(options, (_issuer: string, profile: Loose, done: Loose) => done(null, profile)),
    );
    passport.serializeUser((user: Loose, done: Loose) => done(null, user));
    passport.deserializeUser((user: Loose, done: Loose) => done(null, user));
    site.app.use(sessions());
    site.app.use(passport.initialize());
    site.app.use(passport.session());
    site.app.get('/login', passport.authenticate('openidconnect'));
    site.app.get('/callback', passport.authenticate('openidconnect'), (request: Loose, response: Loose) =>
      response.json(request.user),
    );
    const browser = createVisitor(site.origin);
    const sent = await browser.visit('/login');

    const page = await browser.open(await comeBack(sent.location?.href ?? ''));

    expect(page.json).toMatchObject({
      displayName: 'George Becker',
      username: george.username,
      emails: [{ value: 'george.becker@globex.test' }],
    });
  });
});
