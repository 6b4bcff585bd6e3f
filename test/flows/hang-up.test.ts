/** Callers that hang up in the middle of a body: no fault of the server, and counted apart. */
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { guestRealm } from './guest-support.ts';

const log: string[] = [];
const server = useServer({
  realms: [{ ...guestRealm(), compat: { databrain: { apiToken: 'databrain-api-token', dashboards: {} } } }],
  env: { DAYPASS_LOG: 'debug' },
  log,
});

/** Sends the head of a request and a part of its body, and hangs up. */
function breakOff(path: string, type: string): Promise<void> {
  const { port, host } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: ${type}\r\nContent-Length: 500\r\n`;
      const auth = `Authorization: Basic ${Buffer.from('portal:portal-secret').toString('base64')}\r\n`;
      socket.write(`${head}${auth}\r\npart`, () => setImmediate(() => socket.destroy()));
    });
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
}

const form = 'application/x-www-form-urlencoded';

it.each([
  ['/realms/acme/protocol/openid-connect/token', form],
  ['/realms/acme/protocol/openid-connect/revoke', form],
  ['/realms/acme/protocol/openid-connect/auth', form],
  ['/realms/acme/guest-tokens', 'application/json'],
])('at %s are a debug line and a status of their own', async (path, type) => {
  log.length = 0;

  await breakOff(path, type);

  await expect.poll(() => log.join('')).toContain('"status":499');
  expect(log.join('')).toContain('the caller hung up');
  expect(log.filter((line) => /"level":(50|60)/.test(line))).toEqual([]);
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
  expect(metrics).not.toMatch(/daypass_requests_total\{.*status="5/);
});
