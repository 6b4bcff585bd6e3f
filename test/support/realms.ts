/** The demo realm in miniature, for tests that want one of their own. */
export const analytics = 'https://analytics.acme.test';
export const warehouse = 'https://warehouse.acme.test';

export function acme(overrides: Record<string, unknown> = {}) {
  return {
    name: 'acme',
    apis: [
      {
        id: 'analytics',
        audience: analytics,
        default: true,
        permissions: [
          'dashboards:read',
          'dashboards:write',
          'reports:read',
          'reports:write',
          'metrics:read',
          'python:execute',
        ].map((name) => ({ name })),
      },
      {
        id: 'warehouse',
        audience: warehouse,
        permissions: [{ name: 'warehouse:query' }],
        tokens: { format: 'jwt', alg: 'ES256' },
      },
    ],
    roles: [
      {
        name: 'analyst',
        permissions: ['analytics:dashboards:read', 'analytics:reports:read', 'analytics:metrics:read'],
      },
      {
        name: 'engine',
        permissions: ['analytics:python:execute', 'analytics:reports:read', 'warehouse:warehouse:query'],
      },
    ],
    clients: [
      {
        id: 'dc-ui',
        public: true,
        firstParty: true,
        grants: ['password', 'authorization_code', 'refresh_token'],
        redirectUris: ['http://localhost:3000/demo/callback'],
      },
      { id: 'ds-engine', secret: 'ds-engine-secret', grants: ['client_credentials'], roles: ['engine'] },
      { id: 'gateway', secret: 'gateway-secret', introspects: ['analytics', 'warehouse'] },
      { id: 'portal', secret: 'portal-secret', grants: ['client_credentials'] },
    ],
    users: [
      {
        username: 'george.becker',
        email: 'george@acme.test',
        name: 'George Becker',
        password: 'my_password',
        roles: ['analyst'],
      },
    ],
    ...overrides,
  };
}

export const george = {
  client_id: 'dc-ui',
  grant_type: 'password',
  username: 'george.becker',
  password: 'my_password',
};
export const gateway = ['gateway', 'gateway-secret'] as const;
export const engine = ['ds-engine', 'ds-engine-secret'] as const;
