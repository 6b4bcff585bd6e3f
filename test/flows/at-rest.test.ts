/**
 * What a thief of the store or of the logs gets: nothing that lets anybody in. Every value that the server gives out
 * or is told in a full day is looked for in everything that it keeps.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import { type Agent, approveDevice, createAgent, obtainCode } from '../support/browserless.ts';
import { type Answer, get, postForm } from '../support/http.ts';
import { type ServerProcess, startServerProcess } from '../support/process.ts';
import { type Engine, engines } from '../support/raw-store.ts';
import { acme, george, engine as service, warehouse } from '../support/realms.ts';

const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const cibaGrant = 'urn:openid:params:grant-type:ciba';
const redirect_uri = 'http://localhost:3000/demo/callback';

const clients = [
  ...acme().clients,
  { id: 'tv', public: true, firstParty: true, grants: [deviceGrant, 'refresh_token'] },
  {
    id: 'till',
    secret: 'till-secret-value',
    previousSecret: 'till-secret-before',
    grants: [cibaGrant],
    backchannelTokenDeliveryMode: 'poll',
  },
  {
    id: 'web',
    secret: 'web-secret-value',
    firstParty: true,
    grants: ['authorization_code', 'refresh_token'],
    redirectUris: [redirect_uri],
  },
];
const realms = [
  acme({ clients, registration: { open: true } }),
  acme({ name: 'keycloak', profile: 'keycloak', clients }),
];

/** Told to the server, or to be kept to itself. */
const payload: Record<string, string> = {
  'a password': 'my_password',
  'a wrong password': 'wrong_password_of_george',
  ...Object.fromEntries(
    clients.flatMap(({ id, ...rest }) => ('secret' in rest ? [[`secret of ${id}`, rest.secret]] : [])),
  ),
  'the secret before': 'till-secret-before',
};

describe.each(engines)('on %s', (_name, open) => {
  let engine: Engine;
  let server: ServerProcess;
  const values: Record<string, string> = { ...payload };
  const found: Record<string, unknown> = {};

  beforeAll(async () => {
    engine = await open();
    server = await startServerProcess({ store: engine.url, realms, env: { DAYPASS_LOG: 'trace' } });
    for (const realm of realms) await spendADay(realm.name);
  });
  afterAll(async () => {
    await server?.stop();
    await engine?.stop();
  });

  const post = async (
    realm: string,
    name: string,
    form: Record<string, string>,
    auth?: readonly [string, string],
  ) => postForm(server.endpoint(realm, name), form, auth && { auth });

  /** Notes every string of these fields that an answer holds. */
  function note(what: string, { status, json }: Answer, ...fields: readonly string[]): Answer {
    expect([what, status, fields.filter((field) => typeof json[field] !== 'string')]).toEqual([
      what,
      status < 300 ? status : 200,
      [],
    ]);
    for (const field of fields) values[`${what}: ${field}`] = json[field];
    return { status, json } as Answer;
  }

  async function spendADay(realm: string): Promise<void> {
    const all = ['access_token', 'refresh_token', 'id_token'];
    const scope = 'openid email dashboards:read';
    await post(realm, 'token', { ...george, password: payload['a wrong password'] ?? '' });
    const login = note(`${realm} password`, await post(realm, 'token', { ...george, scope }), ...all);
    const refresh = { grant_type: 'refresh_token', client_id: 'dc-ui' };
    const again = { ...refresh, refresh_token: login.json.refresh_token };
    note(`${realm} refresh`, await post(realm, 'token', again), ...all);
    const machine = { grant_type: 'client_credentials' };
    note(`${realm} service`, await post(realm, 'token', machine, service), 'access_token');
    const jwt = await post(realm, 'token', { ...machine, resource: warehouse }, service);
    note(`${realm} service jwt`, jwt, 'access_token');
    await useABrowser(realm);
    await useADevice(realm);
    const hint = {
      scope: 'openid',
      login_hint: 'george.becker',
      client_id: 'till',
      client_secret: 'till-secret-value',
    };
    note(`${realm} ciba`, await post(realm, 'ext/ciba/auth', hint), 'auth_req_id');
    if (realm === 'acme') await register();
  }

  async function useABrowser(realm: string): Promise<void> {
    const agent = createAgent(server.url);
    const web = ['web', 'web-secret-value'] as const;
    const pushed = await post(realm, 'ext/par/request', {
      client_id: 'dc-ui',
      redirect_uri,
      response_type: 'code',
      scope: 'openid',
      // A credential inside of a record of another one.
      id_token_hint: values[`${realm} password: id_token`] ?? '',
      code_challenge: sha256('v'.repeat(43)),
      code_challenge_method: 'S256',
    });
    note(`${realm} par`, pushed, 'request_uri');
    const query = new URLSearchParams({ client_id: 'dc-ui', request_uri: pushed.json.request_uri });
    await agent.open(`${server.endpoint(realm, 'auth')}?${query}`);
    for (const { name, value } of credentialsOf(agent))
      values[`${realm} cookie of a sign-in: ${name}`] = value;
    const { form, code } = await obtainCode(server, { realm, agent, clientId: 'web' });
    for (const { name, value } of credentialsOf(agent)) values[`${realm} cookie: ${name}`] = value;
    values[`${realm} code`] = code;
    values[`${realm} verifier`] = form['code_verifier'] ?? '';
    const redeemed = await post(realm, 'token', { ...form }, web);
    note(`${realm} code`, redeemed, 'access_token', 'refresh_token', 'id_token');
    const unused = await obtainCode(server, { realm, agent });
    values[`${realm} unused code`] = unused.code;
  }

  async function useADevice(realm: string): Promise<void> {
    const asked = note(
      `${realm} device`,
      await post(realm, 'auth/device', { client_id: 'tv' }),
      'device_code',
      'user_code',
    );
    values[`${realm} device: bare user code`] = asked.json.user_code.replace('-', '');
    await approveDevice(server, { realm }, asked.json.user_code);
    const { device_code } = asked.json;
    const polled = await post(realm, 'token', { grant_type: deviceGrant, client_id: 'tv', device_code });
    note(`${realm} device`, polled, 'access_token', 'refresh_token');
    const unused = await post(realm, 'auth/device', { client_id: 'tv' });
    note(`${realm} waiting device`, unused, 'device_code', 'user_code');
  }

  async function register(): Promise<void> {
    const address = `${server.url}/realms/acme/clients-registrations/openid-connect`;
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ redirect_uris: ['https://registered.test/callback'] });
    const answer = await fetch(address, { method: 'POST', headers, body });
    const json = JSON.parse(await answer.text());
    note(
      'registration',
      { status: answer.status, json } as Answer,
      'client_secret',
      'registration_access_token',
    );
    const read = await get(json.registration_client_uri, {
      authorization: `Bearer ${json.registration_access_token}`,
    });
    expect(read.status).toBe(200);
    found['registered client'] = json.client_id;
  }

  /** Names of what occurs in a text as it is, in part, or encoded. */
  function leaksInto(text: Buffer): readonly string[] {
    return Object.entries(values)
      .filter(([, value]) => tracesOf(value).some((trace) => text.includes(trace)))
      .map(([name]) => name);
  }

  it('looks for enough', () => {
    expect(Object.keys(values).length).toBeGreaterThan(60);
    expect(Object.values(values).filter((value) => value.length < 8)).toEqual([]);
  });

  it('keeps nothing in the store that lets anybody in', async () => {
    const dump = await engine.dump();

    expect(leaksInto(dump)).toEqual([]);
    // It is the right store, and all of it.
    expect(dump.includes(sha256(values['acme service: access_token'] ?? ''))).toBe(true);
    expect(dump.includes(sha256(values['acme unused code'] ?? ''))).toBe(true);
    expect(dump.includes('george.becker')).toBe(true);
    expect(dump.includes(String(found['registered client']))).toBe(true);
  });

  it('tells the log nothing of it, nor who people are', () => {
    const output = server.output();
    const requests = output.split('\n').filter((line) => line.includes('"requestId"'));

    expect(leaksInto(Buffer.from(output))).toEqual([]);
    expect(output).not.toContain('george@acme.test');
    expect(requests.length).toBeGreaterThan(20);
    expect(requests.filter((line) => /george|becker/i.test(line))).toEqual([]);
  });

  it('keeps nothing either when it has been killed', async () => {
    await server.kill9();
    await engine.redis?.kill9();

    expect(leaksInto(await engine.dumpFiles())).toEqual([]);
  });
});

/** All cookies but the one for scripts, which only names the session (OIDC Session Management §3). */
function credentialsOf(agent: Agent) {
  return agent.cookies().filter(({ name }) => name !== '_session_state');
}

/** The value and the end of each of its parts; of long ones the same in hexadecimal or within a text in base64. */
function tracesOf(value: string): readonly string[] {
  const ends = value.split('.').map((part) => part.slice(-20));
  const long = [value, ...ends].filter((text) => text.length >= 20);
  return [value, ...long.flatMap((text) => [text, Buffer.from(text).toString('hex'), ...inBase64(text)])];
}

/** What stays the same of a text in base64, by where in a group of three bytes it begins. */
function inBase64(text: string): readonly string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.from(' '.repeat(before) + text).toString('base64url');
    return encoded.slice(4, -4);
  });
}
