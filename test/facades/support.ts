/** A server with the demo realms, the calls of other products as they send them, and a clock that can be moved on. */
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { loadRealmFiles } from '../../src/config/realm-files.ts';
import { createGuests } from '../../src/guest/guests.ts';
import type { RealmFile } from '../../src/registry/model/model.ts';
import { type Answer, postForm } from '../support/http.ts';
import { gateway } from '../support/realms.ts';
import { startTestServer, type TestServer, type TestServerOptions } from '../support/server.ts';

export const apiKey = '550e8400-e29b-41d4-a716-446655440000';
export const serviceToken = '7c9e6679-7425-40de-944b-e07fc1f90ae7';

export const report = 'team:sales-dashboard';
export const semaphorDashboard = {
  dashboardId: 'd_cf007a8b-19bc-46ad-8787-2915445b7b86',
  dashboardSecret: 'ds_f32f0b30-b7e1-40f9-ba6a-9804a5b9d635',
};
/** A version 4 UUID and nothing else. */
export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export type FacadeServer = TestServer & {
  /** Base address of the products' calls. */
  readonly base: string;
  advance(seconds: number): void;
  /** What the gateway of the realm is told of a token. */
  introspect(token: string, question?: Record<string, string>): Promise<Answer['json']>;
};

export async function demoRealms(): Promise<Record<'acme' | 'globex', RealmFile>> {
  const loaded = await loadRealmFiles('config', {});
  const fileOf = (name: string) => {
    const found = loaded.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no realm ${name}`);
    return found.file;
  };
  return { acme: fileOf('acme'), globex: fileOf('globex') };
}

/** `change` edits the demo realm `acme` first. Times are of a clock that stands still between calls of `advance`. */
export async function startFacades(
  options: TestServerOptions & { readonly change?: (acme: RealmFile) => RealmFile } = {},
): Promise<FacadeServer> {
  const { acme, globex } = await demoRealms();
  let now = Math.floor(Date.now() / 1000) * 1000;
  const clock = () => now;
  const server = await startTestServer({
    realms: [options.change?.(acme) ?? acme, globex],
    ...options,
    adapt: (services) => {
      const adapted = options.adapt?.(services) ?? services;
      return { ...adapted, clock, guests: createGuests({ ...adapted, clock }) };
    },
  });
  return {
    ...server,
    base: server.issuer('acme'),
    advance: (seconds) => {
      now += seconds * 1000;
    },
    introspect: async (token, question = {}) =>
      (await postForm(server.endpoint('acme', 'token/introspect'), { token, ...question }, { auth: gateway }))
        .json,
  };
}

/** The same for all tests of a file, handed to it when it is there. */
export function startForFile(
  take: (server: FacadeServer) => void | Promise<void>,
  options: Parameters<typeof startFacades>[0] = {},
): void {
  let server: FacadeServer | undefined;
  beforeAll(async () => {
    server = await startFacades(options);
    await take(server);
  });
  afterAll(() => server?.stop());
}

/** The same for one test. */
export async function startFor(options: Parameters<typeof startFacades>[0] = {}): Promise<FacadeServer> {
  const server = await startFacades(options);
  onTestFinished(() => server.stop());
  return server;
}

export type Request = {
  readonly method?: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
};

/** A JSON request; a `string` body is sent as it is. */
export async function send(
  url: string,
  { method = 'POST', token, body, headers }: Request = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: text === '' ? {} : jsonOf(text) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** A request as a product's documentation prints it. All that changes is the base address. */
export async function replay(base: string, text: string, more: Record<string, string> = {}): Promise<Answer> {
  const [head = '', body] = text.trim().split(/\n\s*\n/);
  const [line = '', ...lines] = head.split('\n').map((one) => one.trim());
  const [method = '', path = ''] = line.split(' ');
  const headers = Object.fromEntries(
    lines.map((one) => [one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 1).trim()]),
  );
  delete headers['Host'];
  return send(`${base}${path}`, {
    method,
    headers: { ...headers, ...more },
    ...(body === undefined ? {} : { body }),
  });
}

export async function tokenOf(
  server: TestServer,
  username: string,
  password: string,
  more: Record<string, string> = {},
): Promise<string> {
  const answer = await postForm(server.endpoint('acme', 'token'), {
    client_id: 'dc-ui',
    grant_type: 'password',
    username,
    password,
    ...more,
  });
  return answer.json.access_token;
}

/** Of who may manage the guest tokens of the realm. */
export function managerToken(server: TestServer): Promise<string> {
  return tokenOf(server, 'ada.admin', 'ada_password', { resource: 'urn:daypass:admin' });
}

/** A detail of RFC 9396 that stands for one resource. */
export function detailOf(introspection: Answer['json'], id: string): Answer['json'] {
  return introspection.authorization_details.find((one: { identifier?: string }) => one.identifier === id);
}

export function sessionOf(introspection: Answer['json']): Answer['json'] {
  return introspection.authorization_details.find((one: { type: string }) => one.type === 'embed_session');
}

/** The demo realm with other settings of one section. */
export function withSection(name: 'databrain' | 'semaphor' | 'informer', more: object) {
  return (acme: RealmFile): RealmFile => ({
    ...acme,
    compat: { ...acme.compat, [name]: { ...acme.compat?.[name], ...more } },
  });
}

/** DataBrain's call for a guest token, by the API key unless it says otherwise; '' is no key at all. */
export function databrainCalls(server: () => FacadeServer) {
  const create = (version: 1 | 2, body: unknown, token: string = apiKey) =>
    send(`${server().base}/api/v${version}/guest-token/create`, {
      body,
      ...(token === '' ? {} : { token }),
    });
  return { create };
}

type InformerOptions = { readonly body?: unknown; readonly token?: string; readonly on?: FacadeServer };

/** Informer's calls, by the token unless they say otherwise. */
export function informerCalls(by: () => { readonly server: FacadeServer; readonly token: string }) {
  const call = (method: string, path: string, options: InformerOptions = {}) => {
    const { body, token = by().token, on = by().server } = options;
    return send(`${on.base}${path}`, { method, token, ...(body === undefined ? {} : { body }) });
  };
  const create = (more: object = {}, options: InformerOptions = {}) =>
    call('POST', '/api/tokens', { body: { type: 'report', reportId: report, ...more }, ...options });
  const publish = (options: InformerOptions = {}) =>
    call('POST', `/api/reports/${report}/_cloud-publish`, options);
  const bearer = () => ({ Authorization: `Bearer ${by().token}` });
  return { call, create, publish, bearer };
}
