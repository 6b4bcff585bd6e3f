/** Outgoing fetches: what is refused is never connected to, and nobody learns why a fetch failed. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGuardedFetch } from '../../src/oidc/library/outgoing.ts';
import { isSpecialUse } from '../../src/oidc/library/special-use.ts';

let connections = 0;
let port = 0;
const servers: Server[] = [];

/** One port on all addresses of this machine; its answers redirect to 127.0.0.1. */
beforeAll(async () => {
  const server = createServer((_request, response) => {
    response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end();
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '0.0.0.0');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  port = address.port;
  servers.push(server);
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  connections = 0;
});

const failed = { message: 'the address cannot be fetched from' };

describe('a guarded fetch', () => {
  const guarded = createGuardedFetch({ failureMs: 0 });

  it.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0177.0.0.1',
    '017700000001',
    '１２７.0.0.1',
    '127。0。0。1',
    '%31%32%37.0.0.1',
    '0.0.0.0',
    '0',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    'localhost',
    'LOCALHOST.',
    'user:password@127.0.0.1',
  ])('connects to nothing at %s', async (host) => {
    await expect(guarded(`http://${host}:${port}/`, {})).rejects.toMatchObject(failed);

    expect(connections).toBe(0);
  });

  it.each([
    ['a private address among public ones', ['198.41.0.4', '127.0.0.1']],
    ['a mapped address', ['::ffff:127.0.0.1']],
    ['an address with a zone', ['fe80::1%lo']],
    ['no address', []],
    ['something else', ['example.com']],
  ])('connects to nothing where the name has %s', async (_what, found) => {
    const resolve = async () => found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

    await expect(
      createGuardedFetch({ failureMs: 0, resolve })(`http://keys.example:${port}/`, {}),
    ).rejects.toMatchObject(failed);

    expect(connections).toBe(0);
  });

  it('connects to the very address that was checked, and follows no redirect', async () => {
    const answers = ['127.0.0.2', '127.0.0.1'];
    const checked: string[] = [];
    const fetchOnce = createGuardedFetch({
      failureMs: 0,
      resolve: async () => [{ address: answers.shift() ?? '', family: 4 }],
      isRefused: (address) => {
        checked.push(address);
        return address !== '127.0.0.2';
      },
    });

    const answer = await fetchOnce(`http://keys.example:${port}/`, {});

    expect([answer.status, connections, checked, answers]).toEqual([302, 1, ['127.0.0.2'], ['127.0.0.1']]);
  });

  it('tells every failure at the same time after the start', async () => {
    const order: string[] = [];
    const late = createGuardedFetch({ failureMs: 1000, isRefused: (address) => address === '127.0.0.9' });
    const sockets = { refused: `127.0.0.9:${port}`, closed: '127.0.0.1:1', unknown: 'no.such.invalid' };

    const started = performance.now();
    await Promise.all(
      Object.entries(sockets).map(async ([name, host]) => {
        await expect(late(`http://${host}/`, {})).rejects.toMatchObject(failed);
        order.push(name);
      }),
    );

    expect(performance.now() - started).toBeGreaterThanOrEqual(990);
    expect(order).toEqual(expect.arrayContaining(['refused', 'closed']));
  });
});

describe('an address', () => {
  it.each(['198.41.0.4', '1.1.1.1', '172.32.0.1', '2606:4700::1111', '2001:4860:4860::8888', '2a00:1450::1'])(
    'of the public Internet is none of the special ones: %s',
    (address) => {
      expect(isSpecialUse(address)).toBe(false);
    },
  );

  it.each([
    ...[
      '10.1.2.3',
      '100.64.0.1',
      '169.254.169.254',
      '172.31.255.255',
      '192.168.0.1',
      '198.18.0.1',
      '203.0.113.1',
    ],
    ...['224.0.0.1', '240.0.0.1', '255.255.255.255', 'fc00::1', 'fe80::1', 'ff02::1', '2001::1', '3fff::1'],
    ...['100::1', '5f00::1', '2001:db8::1', '', 'localhost', '1.2.3', '127.0.0.1 '],
  ])('of another use, or none at all, is special: %j', (address) => {
    expect(isSpecialUse(address)).toBe(true);
  });
});
