/** The server under test, on the demo realms and a Redis of its own. */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { form, type Request, send } from './load.ts';
import { node, SUBJECT_CORE, start } from './processes.ts';

export const KEY = Buffer.alloc(32, 7);
const WAIT_MS = 20_000;

/** As `npm start` and the image start it. */
function asShipped(): readonly string[] {
  const [program = '', ...rest] = node('../../src/main.ts', 'serve');
  return [program, '--max-semi-space-size=8', ...rest];
}

export type Subject = { readonly url: string; readonly process: ChildProcess; readonly startedInMs: number };

/** Requests are not logged: the floor does not log either. `startedInMs`: from the start to the first token. */
type SubjectOptions = { readonly env?: Readonly<Record<string, string>>; readonly core?: number | string };

export async function startSubject(
  store: string,
  { env = {}, core = SUBJECT_CORE }: SubjectOptions = {},
): Promise<Subject> {
  const port = await freePort();
  const startedAt = performance.now();
  const child = start(asShipped(), {
    core,
    env: {
      MALLOC_ARENA_MAX: '2',
      PORT: String(port),
      DAYPASS_ADMIN_PORT: '0',
      DAYPASS_STORE: store,
      DAYPASS_CONFIG: './config',
      DAYPASS_KEY: KEY.toString('base64'),
      DAYPASS_LOG: 'error',
      ...env,
    },
  });
  child.stdout?.resume();
  const url = `http://127.0.0.1:${port}`;
  await answered(child, url);
  return { url, process: child, startedInMs: performance.now() - startedAt };
}

async function answered(child: ChildProcess, url: string): Promise<void> {
  const giveUpAt = performance.now() + WAIT_MS;
  while (child.exitCode === null && performance.now() < giveUpAt) {
    const isUp = await send(url, serviceLogin('acme')).then(Boolean, () => false);
    if (isUp) return;
    await pause(2);
  }
  throw new Error('the server did not start');
}

const endpoint = (realm: string, name: string) => `/realms/${realm}/protocol/openid-connect/${name}`;

export function serviceLogin(realm: string, resource?: string): Request {
  const fields = { grant_type: 'client_credentials', ...(resource !== undefined && { resource }) };
  return form(endpoint(realm, 'token'), fields, basic('ds-engine', 'ds-engine-secret'));
}

export function personLogin(): Request {
  const person = { client_id: 'dc-ui', username: 'george.becker', password: 'my_password' };
  return form(endpoint('acme', 'token'), { grant_type: 'password', ...person });
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const portal = basic('portal', 'portal-secret');

/** A guest token for one dashboard with one row limit, made from the minting client's own token (RFC 8693). */
export async function guestExchange(url: string): Promise<Request> {
  const own = await send(url, form(endpoint('acme', 'token'), { grant_type: 'client_credentials' }, portal));
  const details = [
    {
      type: 'embed_resource',
      identifier: 'dash-1',
      datatypes: ['dashboard'],
      actions: ['view', 'filter'],
      rows: { col: 'tenant_id', op: 'eq', value: 'blue' },
    },
    { type: 'embed_session', subject: { tenant: 'blue', id: 'u_42' } },
  ];
  const fields = {
    grant_type: EXCHANGE,
    subject_token: String(own['access_token']),
    subject_token_type: ACCESS_TOKEN,
    authorization_details: JSON.stringify(details),
  };
  return form(endpoint('acme', 'token'), fields, portal);
}

export function introspection(token: string): Request {
  return form(endpoint('acme', 'token/introspect'), { token }, basic('gateway', 'gateway-secret'));
}

/** With every character percent-encoded that may be, as openid-client and oauth4webapi do (RFC 6749 §2.3.1). */
function basic(id: string, secret: string): string {
  const encoded = (text: string) =>
    encodeURIComponent(text).replace(
      /[-_.!~*'()]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  return `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')}`;
}
