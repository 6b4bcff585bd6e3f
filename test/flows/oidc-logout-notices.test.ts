/** Clients that do not hear at once that a session has ended (OIDC Back-Channel Logout §2.5). */
import { decodeJwt } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { callback, obtain, type Tokens } from '../support/authorization.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { browserRealm } from './oidc-realm.ts';

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

type Scene = { readonly receiver: Receiver; readonly server: TestServer; readonly lines: string[] };

/** A client that answers with these, one after the other. Pauses take no time where they are noted. */
async function scene(statuses: readonly number[], pauses?: number[]): Promise<Scene> {
  const lines: string[] = [];
  const receiver = await startReceiver(...statuses);
  const server = await startTestServer({
    realms: [browserRealm({ clients: [payload(receiver)] })],
    env: { DAYPASS_ALLOW_PRIVATE_FETCH: '1', DAYPASS_LOG: 'warn' },
    log: lines,
    adapt: (services) => ({
      ...services,
      background: pauses === undefined ? services.background : noting(services.background, pauses),
    }),
  });
  started.push(receiver);
  return { receiver, server, lines };
}

function payload(receiver: Receiver) {
  return {
    id: 'told',
    public: true,
    firstParty: true,
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: [callback],
    backchannelLogoutUri: `${receiver.url}/payload`,
    backchannelLogoutSessionRequired: true,
  };
}

function noting(background: TestServer['services']['background'], pauses: number[]) {
  const pause = async (ms: number) => {
    pauses.push(ms);
    return true;
  };
  return { ...background, pause };
}

const address = (server: TestServer) => server.endpoint('acme', 'logout');
const byHint = ({ visitor, json }: Tokens, server: TestServer) =>
  visitor.open(`${address(server)}?id_token_hint=${json.id_token}`);
const byConfirming = async ({ visitor }: Tokens, server: TestServer) =>
  visitor.submit(await visitor.open(address(server)), { logout: 'yes' });

const jtis = ({ posts }: Receiver) =>
  posts.map(({ form }) => decodeJwt(form.get('logout_token') ?? '').jti ?? '');

describe.each([
  ['its hint', byHint],
  ['the confirmation', byConfirming],
])('after a logout by %s', (_name, logout) => {
  it('a client that is out for a moment is told again, each time by a token of its own', async () => {
    const pauses: number[] = [];
    const { receiver, server, lines } = await scene([503, 429, 200], pauses);

    const view = await logout(await obtain(server, { clientId: 'told' }), server);
    await server.stop();

    expect(view.text).toContain('You are signed out');
    expect(new Set(jtis(receiver)).size).toBe(3);
    expect(pauses).toEqual([1000, 5000]);
    expect(lines).toEqual([]);
  });

  it('a client that stays out is given up, which the log says', async () => {
    const { receiver, server, lines } = await scene([500], []);

    await logout(await obtain(server, { clientId: 'told' }), server);
    await server.stop();

    expect(receiver.posts).toHaveLength(3);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { msg: 'back-channel logout failed', realm: 'acme', client: 'told', tries: 3 },
    ]);
  });

  it('a client that refuses the token is not told again', async () => {
    const { receiver, server, lines } = await scene([400], []);

    await logout(await obtain(server, { clientId: 'told' }), server);
    await server.stop();

    expect(receiver.posts).toHaveLength(1);
    expect(lines).toHaveLength(1);
  });
});

it('tries again where nobody answers at all', async () => {
  const { receiver, server, lines } = await scene([200], []);
  const tokens = await obtain(server, { clientId: 'told' });
  await receiver.stop();
  started.pop();

  await byHint(tokens, server);
  await server.stop();

  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ client: 'told', tries: 3 }]);
});

it('does not hold up the end of the server, and leaves a line in the log', async () => {
  const { receiver, server, lines } = await scene([500]);
  await byHint(await obtain(server, { clientId: 'told' }), server);
  await receiver.find(() => true);

  await server.stop();

  expect(receiver.posts).toHaveLength(1);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ client: 'told', tries: 1 }]);
});
