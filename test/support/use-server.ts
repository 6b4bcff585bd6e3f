/**
 * What most tests set up: a server that runs for the tests of a file or a `describe`, on a store of its own. The members
 * of what is returned are there once the tests run.
 */
import { afterAll, beforeAll } from 'vitest';
import type { Engine } from './raw-store.ts';
import { startTestServer, type TestServer, type TestServerOptions } from './server.ts';

type Options = Omit<TestServerOptions, 'store'>;

/** A server on a fresh embedded store, unless the options name another. */
export function useServer(options: TestServerOptions = {}): TestServer {
  let started: TestServer | undefined;
  beforeAll(async () => {
    started = await startTestServer(options);
  });
  afterAll(() => started?.stop());
  return serverOf(() => running(started));
}

/** A store's engine, and a server on it. */
export function useServerOn(
  open: () => Promise<Engine>,
  options: Options = {},
): { readonly engine: Engine; readonly server: TestServer } {
  let opened: Engine | undefined;
  let started: TestServer | undefined;
  beforeAll(async () => {
    opened = await open();
    started = await startTestServer({ ...options, store: opened.url });
  });
  afterAll(async () => {
    await started?.stop();
    await opened?.stop();
  });
  return { engine: engineOf(() => running(opened)), server: serverOf(() => running(started)) };
}

function running<T>(started: T | undefined): T {
  if (started === undefined) throw new Error('it starts before the tests, not before they are declared');
  return started;
}

function serverOf(current: () => TestServer): TestServer {
  return {
    get url() {
      return current().url;
    },
    get adminUrl() {
      return current().adminUrl;
    },
    get folder() {
      return current().folder;
    },
    get services() {
      return current().services;
    },
    issuer: (realm) => current().issuer(realm),
    endpoint: (realm, name) => current().endpoint(realm, name),
    stop: () => current().stop(),
  };
}

function engineOf(current: () => Engine): Engine {
  return {
    get url() {
      return current().url;
    },
    get redis() {
      return current().redis;
    },
    records: (realm, kind) => current().records(realm, kind),
    rewrite: (key, value) => current().rewrite(key, value),
    lasting: (realm) => current().lasting(realm),
    ageSpending: (key, byMs) => current().ageSpending(key, byMs),
    dump: () => current().dump(),
    dumpFiles: () => current().dumpFiles(),
    stop: () => current().stop(),
  };
}
