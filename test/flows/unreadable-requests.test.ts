/** Requests that Node itself refuses: answered in words, logged and counted as all others. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { acme, engine } from '../support/realms.ts';
import { useServer } from '../support/use-server.ts';

const log: string[] = [];
const server = useServer({ realms: [acme()], env: { DAYPASS_LOG: 'info' }, log });

const quietLog: string[] = [];
const quiet = useServer({
  realms: [acme()],
  env: { DAYPASS_LOG: 'info', DAYPASS_LOG_ADDRESS: '0', DAYPASS_MAX_HEADER_BYTES: '65536' },
  log: quietLog,
});

const proxiedLog: string[] = [];
const proxied = useServer({
  realms: [acme()],
  env: { DAYPASS_LOG: 'info', DAYPASS_TRUST_PROXY: '127.0.0.0/8' },
  log: proxiedLog,
});

/** Sends bytes as they are, and reads until the server ends the connection. */
async function send(base: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(base).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(bytes);
  return text(socket);
}

const longHeader = `GET /realms/acme HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`;

describe('a request that cannot be read', () => {
  it.each([
    ['header fields that are too long', longHeader, 431, 'the header fields are longer than 16384 bytes'],
    ['bytes that are no HTTP', 'rubbish\r\n\r\n', 400, 'the request is not HTTP/1.1 (RFC 9112)'],
    [
      'a length and chunks at once',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
      'the request is not HTTP/1.1 (RFC 9112)',
    ],
  ])('is answered, logged and counted: %s', async (_, bytes, status, reason) => {
    log.length = 0;

    const answer = await send(server.url, bytes);

    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(JSON.parse(body)).toEqual({ error: 'invalid_request', error_description: reason });
    const id = /^X-Request-Id: (.+)$/m.exec(head)?.[1];
    expect(log.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ requestId: id, status, reason, route: 'other', address: '127.0.0.1' }),
    );
    const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(
      new RegExp(`daypass_requests_total\\{route="other",status="${status}",path=""\\} \\d`),
    );
  });

  it('is served where the setting allows as many header fields', async () => {
    expect(await send(quiet.url, longHeader)).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe('the line of a request', () => {
  const ask = (url: string) => postForm(url, { grant_type: 'client_credentials' }, { auth: engine });

  it('names the process and the address of the caller', async () => {
    log.length = 0;
    await ask(server.endpoint('acme', 'token'));

    await expect
      .poll(() => log.map((line) => JSON.parse(line)))
      .toContainEqual(expect.objectContaining({ route: 'token', pid: process.pid, address: '127.0.0.1' }));
  });

  it.each([
    ['of a proxy that is trusted', proxied, proxiedLog, '203.0.113.9'],
    ['of nobody else', server, log, '127.0.0.1'],
  ])('takes the word %s for the address', async (_, asked, lines, address) => {
    lines.length = 0;
    const headers = { 'x-forwarded-for': '203.0.113.9' };
    await postForm(
      asked.endpoint('acme', 'token'),
      { grant_type: 'client_credentials' },
      { auth: engine, headers },
    );

    await expect
      .poll(() => lines.map((line) => JSON.parse(line)))
      .toContainEqual(expect.objectContaining({ route: 'token', address }));
  });

  it('leaves the address out where the setting says so', async () => {
    quietLog.length = 0;
    await ask(quiet.endpoint('acme', 'token'));

    await expect.poll(() => quietLog.join('')).toContain('"route":"token"');
    expect(quietLog.join('')).not.toContain('127.0.0.1"');
  });
});
