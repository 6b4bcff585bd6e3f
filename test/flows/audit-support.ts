/** A realm in which everything that is written down can happen, and its log as an auditor reads it. */
import type { AuditEvent } from '../../src/audit/audit-event.ts';
import { admins, head, tenant } from '../admin/support.ts';
import { callback } from '../support/authorization.ts';
import type { TestServer } from '../support/server.ts';
import { EXCHANGE, mints } from './guest-support.ts';

export { head };

export function auditedRealm(overrides: Record<string, unknown> = {}) {
  const base = tenant('acme');
  const grants = ['client_credentials', EXCHANGE];
  return {
    ...base,
    registration: { open: true },
    clients: [
      ...base.clients.filter(({ id }) => id !== 'portal'),
      { id: 'portal', secret: 'portal-secret', grants, mints },
      {
        id: 'asks-once',
        public: true,
        grants: ['authorization_code', 'refresh_token'],
        redirectUris: [callback],
        clientName: 'Sales App',
      },
    ],
    ...overrides,
  };
}

export type Query = Readonly<Record<string, string>>;

/** The log as the admin API tells it: everything that a query finds, page after page. */
export async function auditOf(
  server: TestServer,
  query: Query = {},
  realm = 'acme',
): Promise<readonly AuditEvent[]> {
  const call = await admins(server, head.name, 'root');
  const events: AuditEvent[] = [];
  let cursor: string | null = null;
  do {
    const search = new URLSearchParams({ ...query, ...(cursor === null ? {} : { cursor }) });
    const { status, body } = await call({ path: `/realms/${realm}/audit?${search}` });
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    events.push(...body.items);
    cursor = body.next;
  } while (cursor !== null);
  return events;
}
