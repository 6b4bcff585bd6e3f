/** Commands about one token, and a trial of a guest token, beside a running server. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, tryCommand } from '../support/command.ts';
import { get, postForm } from '../support/http.ts';
import { masterKey } from '../support/operator.ts';
import { acme, gateway, george, engine as service } from '../support/realms.ts';
import { startTestServer, type TestServer } from '../support/server.ts';

const portal = {
  id: 'portal',
  secret: 'portal-secret',
  grants: ['client_credentials'],
  mints: { apis: ['analytics'], types: ['dashboard'], actions: ['view'], maxTtl: 600 },
};

let folder: string;
let server: TestServer;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daypass-tokens-'));
  const store = `sqlite:${join(folder, 'daypass.db')}`;
  env = { DAYPASS_STORE: store, DAYPASS_KEY: masterKey.toString('base64') };
  const base = acme();
  server = await startTestServer({ realms: [acme({ clients: [...base.clients, portal] })], store });
  env = { ...env, DAYPASS_URL: server.url };
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const token = (form: Record<string, string>, auth?: readonly [string, string]) =>
  postForm(server.endpoint('acme', 'token'), form, auth && { auth });
const serviceToken = async () =>
  (await token({ grant_type: 'client_credentials' }, service)).json.access_token;
const isActive = async (value: string) =>
  (await postForm(server.endpoint('acme', 'token/introspect'), { token: value }, { auth: gateway })).json
    .active;
const run = (args: string, input: string) => tryCommand(args.split(' '), { env, input: `${input}\n` });

describe('daypass token', () => {
  it('tells what a value is, without a store and without repeating it', async () => {
    const jwt =
      (await token(george)).json.id_token ??
      `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from('{"sub":"x"}').toString('base64url')}.c2lnbmF0dXJl`;
    const value = await serviceToken();

    const opaque = await tryCommand(['token', 'inspect'], { input: `${value}\n` });
    const signed = await tryCommand(['token', 'inspect', '--json'], { input: `${jwt}\n` });
    const other = await tryCommand(['token', 'inspect'], { input: 'nothing\n' });
    const none = await tryCommand(['token', 'inspect'], { input: '' });

    expect(opaque).toMatchObject({ code: 0, stdout: 'kind: access token\n' });
    expect(JSON.parse(signed.stdout)).toMatchObject({
      kind: 'signed JWT',
      header: { alg: 'RS256' },
      claims: {},
    });
    expect(signed.stdout).not.toContain(jwt.split('.')[2] ?? '');
    expect(other.stdout).toContain('unknown');
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('holds no token') });
  });

  it('shows what the store has of it', async () => {
    const value = await serviceToken();

    const { stdout } = await run('token inspect --realm acme --json', value);
    const unknown = await run('token inspect --realm acme --json', 'dpa_unknown');

    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'access token',
      stored: { clientId: 'ds-engine', state: 'active' },
    });
    expect(stdout).not.toContain(value);
    expect(JSON.parse(unknown.stdout)).toEqual({ kind: 'access token', stored: null });
  });

  it('introspects as an API would, and revokes', async () => {
    const value = await serviceToken();
    const asked = await postForm(
      server.endpoint('acme', 'token/introspect'),
      { token: value },
      { auth: gateway },
    );

    const before = await run('token introspect --realm acme', value);
    const revoked = await run('token revoke --realm acme', value);
    const after = await run('token introspect --realm acme', value);

    expect(before.code).toBe(0);
    expect(JSON.parse(before.stdout)).toEqual(asked.json);
    expect(revoked).toMatchObject({ code: 0, stdout: 'revoked\n' });
    expect(await isActive(value)).toBe(false);
    expect(after).toMatchObject({ code: 1, stdout: '{\n  "active": false\n}\n' });
    expect(await run('token revoke --realm acme', value)).toMatchObject({ code: 1 });
  });

  it('takes along what belongs to a revoked refresh token', async () => {
    const { access_token: access, refresh_token: refresh } = (await token(george)).json;

    await run('token revoke --realm acme', refresh);

    expect(await isActive(access)).toBe(false);
  });

  it('revokes a guest token', async () => {
    const response = await fetch(`${server.issuer('acme')}/guest-tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa('portal:portal-secret')}` },
      body: JSON.stringify(request),
    });
    const minted = (await response.json()) as { token: string };
    const shown = await run('token inspect --realm acme --json', minted.token);

    const { code } = await run('token revoke --realm acme', minted.token);

    expect(minted).toMatchObject({ token: expect.any(String) });
    expect(JSON.parse(shown.stdout)).toMatchObject({
      kind: 'guest token',
      stored: { state: 'active', client: 'portal' },
    });
    expect(code).toBe(0);
    expect(await isActive(minted.token)).toBe(false);
  });
});

const request = {
  subject: { tenant: 'blue', id: 'u1' },
  resources: [{ type: 'dashboard', id: 'sales', actions: ['view'], rows: 'all' }],
  lifetime: { ttl: 86_400 },
};

describe('daypass guest mint --dry-run', () => {
  async function dryRun(body: object, ...args: string[]) {
    const path = join(folder, 'request.json');
    await writeFile(path, JSON.stringify(body));
    return tryCommand(['guest', 'mint', '--realm', 'acme', '--client', 'portal', path, ...args], { env });
  }

  it('tells what is granted and narrowed, and writes nothing', async () => {
    const result = await dryRun({ ...request, subject: { tenant: 'green', id: 'u1' } }, '--dry-run');
    const listed = await get(`${server.issuer('acme')}/guest-tokens?tenant=green`, {
      authorization: `Basic ${btoa('portal:portal-secret')}`,
    });

    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({
      dry_run: true,
      expires_in: 600,
      effective: { resources: 1 },
    });
    expect(listed.json).toMatchObject({ guest_tokens: [] });
  });

  it('tells why it would be refused', async () => {
    const result = await dryRun(
      { ...request, resources: [{ type: 'folder', id: 'x', actions: ['view'] }] },
      '--dry-run',
    );

    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('resources/0') });
  });

  it('mints nothing', async () => {
    expect(await dryRun(request)).toMatchObject({ code: 2, stderr: expect.stringContaining('--dry-run') });
  });

  it('says which client cannot mint', async () => {
    const path = join(folder, 'request.json');
    const args = ['guest', 'mint', '--dry-run', '--realm', 'acme', '--client', 'gateway', path];

    expect(await tryCommand(args, { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no mints section'),
    });
    await expect(runCommand([...args.slice(0, 6), 'nobody', path], { env })).rejects.toThrow(
      'does not exist',
    );
  });
});
