/** Administrators of a realm, and of all realms, and their calls over HTTP. */
import { adminApi } from '../../src/registry/model/built-in-api.ts';
import { acme } from '../support/realms.ts';
import type { TestServer } from '../support/server.ts';

export const everyAdminPermission = adminApi.permissions.map(({ name }) => `daypass:${name}`);

/** The realm of the administrators of all realms: `root` may everything. */
export const head = {
  name: 'daypass-admin',
  roles: [
    { name: 'all', permissions: everyAdminPermission },
    { name: 'onboarding', permissions: ['daypass:realms:create'] },
  ],
  clients: [
    { id: 'root', secret: 'root-secret', grants: ['client_credentials'], roles: ['all'] },
    { id: 'onboarding', secret: 'onboarding-secret', grants: ['client_credentials'], roles: ['onboarding'] },
  ],
};

export const support = ['users:read', 'sessions:read', 'sessions:revoke', 'guests:read', 'explain:read'];
export const auditor = [
  'realm:read',
  'clients:read',
  'users:read',
  'keys:read',
  'sessions:read',
  'guests:read',
  'audit:read',
];

/** A tenant with an administrator, somebody at the help desk, and an auditor. */
export function tenant(name: string, overrides: Record<string, unknown> = {}) {
  const base = acme();
  return acme({
    name,
    roles: [
      ...base.roles,
      { name: 'realm-admin', permissions: everyAdminPermission, includes: ['analyst'] },
      { name: 'support', permissions: support.map((one) => `daypass:${one}`) },
      { name: 'auditor', permissions: auditor.map((one) => `daypass:${one}`) },
    ],
    clients: [
      ...base.clients,
      ...['realm-admin', 'support', 'auditor'].map((role) => ({
        id: role,
        secret: `${role}-secret`,
        grants: ['client_credentials'],
        roles: [role],
      })),
    ],
    ...overrides,
  });
}

/** An access token for administration, of a client of a realm. */
export async function adminToken(server: TestServer, realm: string, client: string): Promise<string> {
  const response = await fetch(server.endpoint(realm, 'token'), {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${client}:${client}-secret`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: adminApi.audience }),
  });
  const { access_token: token } = (await response.json()) as { access_token: string };
  return token;
}

export type Sent = {
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Got = {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are compared, not used
  readonly body: any;
  readonly etag: string;
};

/** Calls below `/admin/v1` in the name of whoever the token is for. */
export function callerWith(server: Pick<TestServer, 'url'>, token: string) {
  const authorization: Record<string, string> = token === '' ? {} : { Authorization: `Bearer ${token}` };
  return async function call({ method = 'GET', path, body, headers = {} }: Sent): Promise<Got> {
    const sent = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const response = await fetch(`${server.url}/admin/v1${path}`, {
      method,
      headers: { ...authorization, ...sent, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return gotOf(response, await response.text());
  };
}

function gotOf({ status, headers }: Response, text: string): Got {
  const body = text === '' ? undefined : JSON.parse(text);
  return { status, headers, body, etag: headers.get('ETag') ?? '' };
}

export async function admins(server: TestServer, realm: string, client: string) {
  return callerWith(server, await adminToken(server, realm, client));
}
