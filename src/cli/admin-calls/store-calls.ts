/** The admin API on a store, in this process: its handlers, without HTTP, for whoever has the store and its key. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import Koa, { type Context } from 'koa';
import type { ProviderPool } from '../../oidc/provider/provider-pool.ts';
import type { Services } from '../../services.ts';
import { adminRoutes } from '../../surfaces/admin/admin.ts';
import { userShown } from '../../surfaces/admin/people/user-view.ts';
import type { AdminCaller } from '../../surfaces/admin/shared/caller.ts';
import { createAdminDeps } from '../../surfaces/admin/shared/deps.ts';
import { type AdminCalls, noUser, type Shown } from '../runtime/admin-calls.ts';
import { theOperator, withServices } from '../runtime/with-services.ts';

/** Whoever can open the store may everything. No realm has this name, so nothing is the operator's own. */
const caller: AdminCaller = { actor: theOperator, realm: '_', isServerWide: true, may: () => true };

export function withStoreCalls<T>(work: (admin: AdminCalls) => Promise<T>): Promise<T> {
  return withServices((services) => work(createStoreCalls(services)));
}

export function createStoreCalls(services: Services): AdminCalls {
  const deps = createAdminDeps({ ...services, pool: poolOf(services) });
  const changes = services.registry.by(theOperator);
  return {
    async call(operation, { params = {}, query = {}, body = {} } = {}) {
      const route = adminRoutes.find(({ id }) => id === operation);
      if (route === undefined) throw new Error(`the admin API has no operation ${operation}`);
      const ctx = unconditional();
      const answer = await route.handle({ ctx, deps, caller, changes, params, query, body });
      return shown(answer.body);
    },
    async userOf(realm, login) {
      await deps.realmOf(realm);
      const found = await services.registry.findUserByLogin(realm, login);
      if (found === undefined) throw noUser(login);
      return shown(userShown(found.user));
    },
  };
}

/** As an answer over HTTP would be, where what is absent is not there. */
function shown<T>(body: T | undefined): T & Shown {
  return JSON.parse(JSON.stringify(body ?? {}));
}

/** A request that changes whatever version is there (RFC 9110 §13.1.1). */
function unconditional(): Context {
  const request = new IncomingMessage(new Socket());
  request.headers['if-match'] = '*';
  return new Koa().createContext(request, new ServerResponse(request));
}

/** The protocol library is loaded when a command asks for it: most do not. */
function poolOf(services: Services): ProviderPool {
  let opened: Promise<ProviderPool> | undefined;
  return {
    async find(name) {
      opened ??= openPool(services);
      return (await opened).find(name);
    },
  };
}

async function openPool(services: Services): Promise<ProviderPool> {
  const [{ createProviderPool }, { ui }] = await Promise.all([
    import('../../oidc/provider/provider-pool.ts'),
    import('../../surfaces/pages/screens.ts'),
  ]);
  return createProviderPool({ ...services.settings, ...services, ui });
}
