/** Every route of the admin API, asked by everybody: the table decides, so that a new route cannot be forgotten. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { AdminPermission } from '../../src/registry/model/built-in-api.ts';
import { adminRoutes } from '../../src/surfaces/admin/admin.ts';
import type { AdminRoute } from '../../src/surfaces/admin/shared/route.ts';
import { useServer } from '../support/use-server.ts';
import {
  adminToken,
  auditor,
  callerWith,
  everyAdminPermission,
  type Got,
  head,
  support,
  tenant,
} from './support.ts';

const server = useServer({ realms: [head, tenant('acme'), tenant('globex')] });

const nothingThere = '00000000-0000-4000-8000-000000000000';

const callers = {
  nobody: undefined,
  'an administrator of all realms': { realm: head.name, client: 'root', may: all() },
  'an onboarding service': { realm: head.name, client: 'onboarding', may: ['realms:create'] },
  'an administrator of the realm': { realm: 'acme', client: 'realm-admin', may: all() },
  'the help desk of the realm': { realm: 'acme', client: 'support', may: support },
  'an auditor of the realm': { realm: 'acme', client: 'auditor', may: auditor },
  'a service of the realm': { realm: 'acme', client: 'ds-engine', may: [] },
  'an administrator of another realm': { realm: 'globex', client: 'realm-admin', may: all() },
} as const;

type Caller = (typeof callers)[keyof typeof callers];

function all(): readonly string[] {
  return everyAdminPermission.map((name) => name.replace('daypass:', ''));
}

const tokens = new Map<Caller, string>();

beforeAll(async () => {
  for (const caller of Object.values(callers)) {
    tokens.set(caller, caller === undefined ? '' : await adminToken(server, caller.realm, caller.client));
  }
});

/** A token is looked for in the realm of the address and in the administrators' realm, and nowhere else. */
function expected({ path, isServerWide, permissions }: AdminRoute, caller: Caller): 'in' | 401 | 403 {
  const isOfHead = caller?.realm === head.name;
  const isOfAddress = caller?.realm === 'acme' && path.includes(':realm');
  if (caller === undefined || !(isOfHead || isOfAddress)) return 401;
  if (isServerWide && !isOfHead) return 403;
  const may: readonly string[] = caller.may;
  return permissions.some((permission: AdminPermission) => may.includes(permission)) ? 'in' : 403;
}

async function ask({ method, path }: AdminRoute, token: string): Promise<Got> {
  const filled = path
    .replace('/admin/v1', '')
    .replace(':realm', 'acme')
    .replace(':guest', 'gt_nothing')
    .replace(/:\w+/g, nothingThere);
  return callerWith(server, token)({ method, path: filled, ...(method === 'GET' ? {} : { body: {} }) });
}

describe.each(Object.entries(callers))('%s', (_name, caller) => {
  it.each(adminRoutes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s',
    async (_label, route) => {
      const { status, headers } = await ask(route, tokens.get(caller) ?? '');

      const outcome = status === 401 || status === 403 ? status : 'in';
      expect(outcome).toBe(expected(route, caller));
      expect(status).toBeLessThan(500);
      if (outcome !== 'in') expect(headers.get('WWW-Authenticate')).toMatch(/^Bearer realm="admin"/);
    },
  );
});
