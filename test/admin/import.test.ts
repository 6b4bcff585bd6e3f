import { connect } from 'node:net';
import { text as buffered } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { postForm } from '../support/http.ts';
import { useServer } from '../support/use-server.ts';
import { admins, adminToken, head, tenant } from './support.ts';

const server = useServer({ realms: [head, tenant('acme'), tenant('globex')] });

/** Of `imported_password`. */
const hash = '$pbkdf2-sha256$1000$c2FsdHNhbHRzYWx0c2FsdA$';

async function send(realm: string, lines: readonly unknown[], query = '') {
  const response = await fetch(`${server.url}/admin/v1/realms/${realm}/users/import${query}`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${await adminToken(server, realm, 'realm-admin')}`,
      'Content-Type': 'application/x-ndjson',
    },
    body: lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  });
  const text = await response.text();
  return {
    status: response.status,
    results: text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  };
}

/** As most client libraries do it: nothing is read from the socket until all is written. */
async function sendThenRead(realm: string, body: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect({ host: hostname, port: Number(port) });
  const head = [
    `POST /admin/v1/realms/${realm}/users/import HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    `Authorization: Bearer ${await adminToken(server, realm, 'realm-admin')}`,
    'Content-Type: application/x-ndjson',
    `Content-Length: ${body.length}`,
    'Connection: close',
  ];
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`, () => resolve());
  });
  return buffered(socket);
}

describe('an import of users', () => {
  it('answers each line by a line, and goes on behind one that is wrong', async () => {
    const { status, results } = await send('acme', [
      { username: 'a1', email: 'a1@acme.test' },
      '{ broken',
      { username: 'a2', colour: 'red' },
      '',
      { username: 'a3', password: 'plain_password' },
      { username: 'a4', roles: ['nobody-has-this'] },
      { username: 'a5', email: 'a1@acme.test' },
      { username: 'a1' },
      'x'.repeat(20_000),
      { username: 'ü6', roles: ['analyst'] },
    ]);

    expect(status).toBe(200);
    expect(results.map(({ line, status: one }) => [line, one])).toEqual([
      [1, 'created'],
      [2, 'refused'],
      [3, 'refused'],
      [5, 'refused'],
      [6, 'refused'],
      [7, 'refused'],
      [8, 'refused'],
      [9, 'refused'],
      [10, 'created'],
    ]);
    expect(results[2].errors[0].pointer).toBe('/colour');
    expect(results[4].errors[0].pointer).toBe('/roles/0');
  });

  it('may be sent again, as a whole or from a line on', async () => {
    const lines = Array.from({ length: 130 }, (_, at) => ({ username: `again-${at}` }));

    const first = await send('acme', lines.slice(0, 100));
    const again = await send('acme', lines);
    const rest = await send('acme', lines, '?from=129');

    expect(first.results.every(({ status }) => status === 'created')).toBe(true);
    expect(again.results.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 100 }, () => 'exists'),
      ...Array.from({ length: 30 }, () => 'created'),
    ]);
    expect(rest.results.map(({ line, status }) => [line, status])).toEqual([
      [129, 'exists'],
      [130, 'exists'],
    ]);
    expect(rest.results[0].id).toBe(again.results[128].id);
  });

  it('takes many lines from a client that reads no answer before it has sent them all', async () => {
    const lines = Array.from({ length: 50_000 }, (_, at) =>
      JSON.stringify({ username: '', colour: 'x'.repeat(400), at }),
    );

    const text = await sendThenRead('acme', lines.join('\n'));

    expect(text.match(/"status":"refused"/g)).toHaveLength(lines.length);
  });

  it('lets others have their turn between any two commits', async () => {
    const lines = Array.from({ length: 400 }, (_, at) => ({ username: `turn-${at}` }));
    const state = { turn: 0, isOver: false, of: new Set<number>() };
    const next = () => {
      state.turn += 1;
      if (!state.isOver) setImmediate(next);
    };
    setImmediate(next);
    const leave = server.services.events.subscribe(() => void state.of.add(state.turn), ['registry.changed']);

    const { results } = await send('globex', lines);
    leave();
    state.isOver = true;

    expect(results.every(({ status }) => status === 'created')).toBe(true);
    expect(state.of.size).toBeGreaterThanOrEqual(lines.length / 40);
  });

  it('takes hashes that people log in with', async () => {
    const { pbkdf2Sync } = await import('node:crypto');
    const key = pbkdf2Sync('imported_password', 'saltsaltsaltsalt', 1000, 32, 'sha256').toString('base64');
    const passwordHash = hash + key.replace(/=+$/, '');

    const { results } = await send('acme', [{ username: 'hashed', passwordHash }]);

    expect(results).toMatchObject([{ line: 1, status: 'created' }]);
    const form = {
      grant_type: 'password',
      client_id: 'dc-ui',
      username: 'hashed',
      password: 'imported_password',
    };
    expect((await postForm(server.endpoint('acme', 'token'), form)).status).toBe(200);
  });

  it('of the same users by two callers at once makes each user once', async () => {
    const lines = Array.from({ length: 200 }, (_, at) => ({ username: `race-${at}` }));

    const [one, two] = await Promise.all([send('globex', lines), send('globex', lines)]);

    for (const at of lines.keys()) {
      const outcomes = [one?.results[at].status, two?.results[at].status];
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    }
    const call = await admins(server, 'globex', 'realm-admin');
    const { body } = await call({ path: '/realms/globex/users?search=race-&limit=200' });
    expect(body.items).toHaveLength(200);
  });
});
