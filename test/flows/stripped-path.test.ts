/** A reverse proxy that takes the path of the public address away, as many do: everything works as behind one that keeps it. */
import { createServer, request, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { obtain, userinfo } from '../support/authorization.ts';
import { freePort } from '../support/free-port.ts';
import { get, postForm } from '../support/http.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { createVisitor } from '../support/visitor.ts';
import { browserRealm } from './oidc-realm.ts';

/** Passes requests on to `target`; with `strips`, without the `/auth` that their paths begin with. */
function startProxy(port: number, { strips }: { readonly strips: boolean }, target: () => number): Server {
  return createServer((incoming, outgoing) => {
    const path = strips ? (incoming.url ?? '').replace(/^\/auth(?=\/|$)/, '') || '/' : incoming.url;
    const { method, headers } = incoming;
    const passedOn = request({ port: target(), host: '127.0.0.1', path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(passedOn);
  }).listen(port, '127.0.0.1');
}

describe.each([
  ['takes it away', { strips: true }],
  ['keeps it', { strips: false }],
])('behind a proxy that %s', (_, options) => {
  let server: TestServer;
  let proxy: Server;
  beforeAll(async () => {
    const port = await freePort();
    proxy = startProxy(port, options, () => server.services.settings.port);
    server = await startTestServer({
      realms: [browserRealm()],
      env: { DAYPASS_URL: `http://127.0.0.1:${port}/auth` },
    });
  });
  afterAll(async () => {
    proxy.close();
    await server?.stop();
  });

  it('a person signs in, and every address is the public one', async () => {
    const { json: metadata } = await get(`${server.issuer('acme')}/.well-known/openid-configuration`);
    const { json } = await obtain(server);
    const { json: claims } = await userinfo(server, json.access_token);

    expect(metadata.issuer).toBe(`${server.url}/realms/acme`);
    expect(metadata.token_endpoint).toBe(server.endpoint('acme', 'token'));
    expect(claims.sub).toEqual(expect.any(String));
  });

  it('pages find their styles, and the fast path answers', async () => {
    const page = await createVisitor(server.url).open(`${server.issuer('acme')}/device`);
    const style = /<link rel="stylesheet" href="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const sheet = await get(new URL(style, server.url).href);
    const token = await postForm(server.endpoint('acme', 'token'), { grant_type: 'client_credentials' });

    expect([style.startsWith('/auth/realms/acme/assets/'), sheet.status]).toEqual([true, 200]);
    expect([token.status, token.json.error]).toEqual([401, 'invalid_client']);
  });

  it('what is nowhere is not found', async () => {
    expect((await get(`${server.url}/nowhere`)).status).toBe(404);
    expect((await get(`${server.url}/realms/nobody`)).status).toBe(404);
  });
});
