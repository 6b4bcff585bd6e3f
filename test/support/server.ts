/** A real server on a free loopback port, with realms of the test's own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '../../src/config/load.ts';
import { findDemoRealm } from '../../src/demo/demo-realm.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { realmFile } from '../../src/registry/model/model.ts';
import { startServer } from '../../src/server.ts';
import { createServices, type Services } from '../../src/services.ts';
import { freePort } from './free-port.ts';

export type TestServer = {
  /** Base address, without a trailing slash. */
  readonly url: string;
  readonly adminUrl: string;
  readonly folder: string;
  readonly services: Services;
  /** Issuer of a realm. */
  issuer(realm: string): string;
  /** Address of a protocol endpoint: `token`, `token/introspect`, `revoke`, `userinfo`… */
  endpoint(realm: string, name: string): string;
  stop(): Promise<void>;
};

export type TestServerOptions = {
  /** Realm files as an operator would write them (parsed YAML). */
  readonly realms?: readonly unknown[];
  /** Store URL; default: a fresh embedded store. */
  readonly store?: string;
  /** Settings by environment variable. */
  readonly env?: Readonly<Record<string, string>>;
  /** Reuse the folder (and its embedded store) of an earlier server. */
  readonly folder?: string;
  /** Collects the log's lines; say the level by `env.DAYPASS_LOG`. Default: standard output. */
  readonly log?: string[];
  /** With the demo, on the first realm that is marked for it. */
  readonly demo?: boolean;
  /** Exchanges parts before they are put together: a slower store, a shorter queue. */
  readonly adapt?: (services: Services) => Services;
};

const key = Buffer.alloc(32, 7);

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'daypass-test-')));
  const port = await freePort();
  const settings = loadSettings({
    PORT: String(port),
    DAYPASS_URL: `http://127.0.0.1:${port}`,
    DAYPASS_STORE: options.store ?? `sqlite:${join(folder, 'daypass.db')}`,
    DAYPASS_LOG: 'error',
    DAYPASS_ADMIN_PORT: '0',
    DAYPASS_STOP_DELAY: '0',
    ...options.env,
  });
  const services = await createServices({ ...settings, key }, loggerOf(settings.logLevel, options.log));
  const files = (options.realms ?? []).map((realm) => realmFile.parse(realm));
  for (const file of files) await services.registry.applyRealm(file);
  const demo = options.demo === true ? findDemoRealm(files) : undefined;
  const server = await startServer(options.adapt?.(services) ?? services, demo);
  const url = settings.publicUrl;
  return {
    url,
    adminUrl: `http://127.0.0.1:${server.adminPort}`,
    folder,
    services,
    issuer: (realm) => `${url}/realms/${realm}`,
    endpoint: (realm, name) => `${url}/realms/${realm}/protocol/openid-connect/${name}`,
    stop: async () => {
      await server.close();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

function loggerOf(level: string, lines: string[] | undefined) {
  return lines === undefined
    ? createLogger(level)
    : createLogger(level, { write: (line) => lines.push(line) });
}
