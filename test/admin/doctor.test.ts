import { describe, expect, it } from 'vitest';
import { useServer } from '../support/use-server.ts';
import { admins, head, tenant } from './support.ts';

const base = tenant('acme');
const clients = [
  ...base.clients.filter(({ id }) => id !== 'dc-ui'),
  {
    id: 'two-secrets',
    secret: 'a-new-secret',
    previousSecret: 'an-old-secret',
    grants: ['client_credentials'],
  },
  ...Array.from({ length: 12 }, (_, at) => ({
    id: `http-${at}`,
    public: true,
    grants: ['authorization_code'],
    redirectUris: [`http://localhost:${4000 + at}/cb`],
  })),
];
const server = useServer({ realms: [head, { ...base, clients }, tenant('well')] });

describe('the doctor of a realm', () => {
  it('finds what its administrators can do something about', async () => {
    const call = await admins(server, 'acme', 'auditor');

    const { status, body } = await call({ path: '/realms/acme/doctor' });

    const of = (name: string) => body.items.find(({ check }: { check: string }) => check === name);
    expect(status).toBe(200);
    expect(of('store').state).toBe('ok');
    expect(of('secrets')).toMatchObject({ state: 'warn', found: expect.stringContaining('two-secrets') });
    expect(of('redirects').found).toMatch(/http-0, .* and 2 more$/);
    expect(JSON.stringify(body)).not.toMatch(/a-new-secret|an-old-secret/);
  });

  it('finds nothing where all is well', async () => {
    const root = await admins(server, head.name, 'root');
    const path = '/realms/well/clients/dc-ui';
    await root({ method: 'DELETE', path, headers: { 'If-Match': '*' } });

    const { body } = await root({ path: '/realms/well/doctor' });

    expect(body.items.filter(({ state }: { state: string }) => state !== 'ok')).toEqual([]);
  });
});
