/** Being told to stop, as clients with kept-alive connections and a load balancer see it. */
import { Agent, request } from 'node:http';
import { expect, it } from 'vitest';
import { basic } from '../support/http.ts';
import { acme, engine } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

type Seen = { readonly status: number; readonly closes: boolean };

/** A service token over the connection that the agent keeps. */
function ask(server: TestServer, agent: Agent, path = 'token'): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const asked = request(server.endpoint('acme', path), {
      method: 'POST',
      agent,
      headers: { authorization: basic(engine), 'content-type': 'application/x-www-form-urlencoded' },
    });
    asked.on('error', reject);
    asked.on('response', (response) => {
      response.resume();
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, closes: response.headers.connection === 'close' }),
      );
    });
    asked.end('grant_type=client_credentials');
  });
}

it('loses no request of kept-alive connections, and sends them elsewhere', async () => {
  const server = await startTestServer({ realms: [acme()], env: { DAYPASS_STOP_DELAY: '2' } });
  const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const before = await Promise.all(agents.map((agent) => ask(server, agent)));

  const stopped = server.stop();
  const ready = await fetch(`${server.adminUrl}/health/ready`);
  const during = await Promise.all(
    agents.map((agent, at) => ask(server, agent, at % 2 === 0 ? 'token' : 'revoke')),
  );
  // A load balancer may not have noticed yet: new connections are still taken.
  const fresh = await ask(server, new Agent());
  await stopped;

  expect(before).toEqual(agents.map(() => ({ status: 200, closes: false })));
  expect([ready.status, await ready.json()]).toEqual([503, { status: 'stopping' }]);
  expect([...during, fresh].map(({ closes }) => closes)).toEqual([...agents, agents].map(() => true));
  expect(during.map(({ status }) => status)).toEqual([200, 400, 200, 400]);
  await expect(ask(server, new Agent())).rejects.toThrow();
});

it('tells a request in flight too', async () => {
  let goOn = () => {};
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  let arrived = () => {};
  const reached = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const server = await startTestServer({
    realms: [acme()],
    adapt: (services) => ({
      ...services,
      store: {
        ...services.store,
        commit: async (writes) => {
          arrived();
          await held;
          return services.store.commit(writes);
        },
      },
    }),
  });
  const answer = ask(server, new Agent({ keepAlive: true }));
  await reached;

  const stopped = server.stop();
  goOn();

  expect(await answer).toEqual({ status: 200, closes: true });
  await stopped;
});
