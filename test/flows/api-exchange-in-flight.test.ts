/** What is cut while an exchange is on its way: everything was read, nothing is written yet. No living token comes of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../../src/registry/model/model.ts';
import { createGate } from '../support/gate.ts';
import { type Engine, engines } from '../support/raw-store.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { by, callsOf, chainRealm } from './api-exchange-support.ts';

describe.each(engines)('on %s', (_name, open) => {
  const gate = createGate();
  let engine: Engine;
  let server: TestServer;
  /** A client as this process remembers it, though another one has changed it. */
  let remembered: Client | undefined;
  beforeAll(async () => {
    engine = await open();
    server = await startTestServer({
      store: engine.url,
      realms: [chainRealm('co')],
      adapt: (services) => ({
        ...services,
        store: gate.through(services.store),
        registry: {
          ...services.registry,
          findClient: async (realm, id) =>
            id === remembered?.id ? remembered : services.registry.findClient(realm, id),
        },
      }),
    });
  });
  afterAll(async () => {
    await server?.stop();
    await engine?.stop();
  });

  const registry = () => server.services.registry;
  beforeEach(async () => {
    await registry().updateClient('co', 'freight', (client) => ({ ...client, roles: ['robot'] }));
    await registry().updateClient('co', 'shop', (client) => ({ ...client, exchanges: ['orders', 'ledger'] }));
  });
  type Calls = ReturnType<typeof callsOf>;
  type Subject = (
    calls: Calls,
  ) => Promise<{ readonly value: string; readonly revoke: () => Promise<unknown> }>;
  const ofPerson: Subject = async ({ login, revoke }) => {
    const value = await login();
    return { value, revoke: () => revoke(value, { client_id: 'ui' }) };
  };
  const ofService: Subject = async ({ service, revoke }) => {
    const value = await service('freight');
    return { value, revoke: () => revoke(value, {}, { auth: by('freight') }) };
  };

  it.each<[string, Subject, 'revoke' | (() => Promise<unknown>)]>([
    ['the token of a person', ofPerson, 'revoke'],
    ['the token of a service', ofService, 'revoke'],
    [
      'the roles of a service',
      ofService,
      () => registry().updateClient('co', 'freight', (client) => ({ ...client, roles: [] })),
    ],
    [
      'the right to exchange',
      ofPerson,
      () => registry().updateClient('co', 'shop', (client) => ({ ...client, exchanges: ['ledger'] })),
    ],
  ])('%s', async (_what, subjectOf, taken) => {
    const calls = callsOf(server, 'co');
    const { value, revoke } = await subjectOf(calls);
    const held = gate.hold();
    const answer = calls.exchange(value);
    await held.arrived;

    await (taken === 'revoke' ? revoke() : taken());
    held.open();

    const { status, json } = await answer;
    expect([status >= 400, json.access_token]).toEqual([true, undefined]);
  });

  it('the roles of a service, where this process has not heard of it', async () => {
    const { service, exchange, introspect } = callsOf(server, 'co');
    const change = (roles: string[]) =>
      registry().updateClient('co', 'freight', (client) => ({ ...client, roles }));
    const before = await registry().findClient('co', 'freight');
    await change([]);
    const subject = await service('freight');

    remembered = before;
    const first = await exchange(subject);
    remembered = undefined;

    expect((await introspect(subject)).active).toBe(true);
    expect([first.status, first.json.access_token]).toEqual([503, undefined]);
    expect(await exchange(subject)).toMatchObject({ status: 400, json: { error: 'invalid_target' } });
  });
});
