/** A server with the demo on it, and guest tokens made for it as anybody would make them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../src/config/load.ts';
import { loadRealmFiles } from '../../src/config/realm-files.ts';
import { findDemoRealm } from '../../src/demo/demo-realm.ts';
import { createGuests } from '../../src/guest/guests.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { startServer } from '../../src/server.ts';
import { createServices } from '../../src/services.ts';
import { freePort } from '../support/free-port.ts';
import { type Answer, get, postForm } from '../support/http.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const portal = ['portal', 'portal-secret'] as const;

export type Demo = Awaited<ReturnType<typeof startDemo>>;

/** A server on the demo realm's own file. `passTime` moves the clock that guest tokens live by. */
export async function startDemo({ isApplied = true } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'daypass-demo-'));
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const settings = loadSettings({
    PORT: String(port),
    DAYPASS_STORE: `sqlite:${join(folder, 'daypass.db')}`,
    DAYPASS_LOG: 'error',
    DAYPASS_ADMIN_PORT: '0',
  });
  let aheadMs = 0;
  const services = await createServices({ ...settings, key: Buffer.alloc(32, 7) }, createLogger('error'));
  const clock = () => services.clock() + aheadMs;
  const guests = createGuests({ ...services, clock });
  const files = (await loadRealmFiles('./config', { PORT: String(port) })).map(({ file }) => file);
  if (isApplied) for (const file of files) await services.registry.applyRealm(file);
  const server = await startServer({ ...services, clock, guests }, findDemoRealm(files));
  const stop = async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  };
  const passTime = (ms: number) => {
    aheadMs += ms;
  };
  return { url, endpoint: `${url}/realms/acme/protocol/openid-connect`, passTime, stop };
}

const blueRows = { col: 'tenant', op: 'eq', value: 'blue' };
const salesOfBlue = {
  type: 'embed_resource',
  identifier: 'sales',
  datatypes: ['dashboard'],
  actions: ['view', 'export:csv'],
  rows: blueRows,
};

/** A guest token for the sales of `blue`, but for what is said otherwise. */
export async function mint({ endpoint }: Demo, resource: object = {}, session: object = {}): Promise<string> {
  const own = await postForm(`${endpoint}/token`, { grant_type: 'client_credentials' }, { auth: portal });
  const details = [
    { ...salesOfBlue, ...resource },
    { type: 'embed_session', subject: { tenant: 'blue', id: 'u_1' }, ...session },
  ];
  const form = {
    grant_type: EXCHANGE,
    subject_token: own.json.access_token,
    subject_token_type: ACCESS_TOKEN,
    authorization_details: JSON.stringify(details),
  };
  const guest = await postForm(`${endpoint}/token`, form, { auth: portal });
  if (guest.status !== 200) throw new Error(guest.text);
  return guest.json.access_token;
}

export function ask({ url }: Demo, token: string, path = 'orders'): Promise<Answer> {
  return get(`${url}/demo/api/${path}`, { authorization: `Bearer ${token}` });
}
