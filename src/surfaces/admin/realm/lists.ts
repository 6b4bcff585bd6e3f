/** `…/apis`, `…/roles`, `…/policies`. */
import { api, policy, role } from '../../../registry/model/model.ts';
import type { AdminRoute } from '../shared/route.ts';
import { namedListRoutes } from './named-list.ts';

export const listRoutes: readonly AdminRoute[] = [
  ...namedListRoutes({
    list: 'apis',
    one: 'API',
    ids: ['Api', 'Apis'],
    schema: api,
    nameOf: ({ id }) => id,
    isMeant: ({ id }, name) => id === name,
    example: { id: 'orders', audience: 'https://orders.example.com', permissions: [{ name: 'orders:read' }] },
    patch: { tokens: { ttl: 600 } },
  }),
  ...namedListRoutes({
    list: 'roles',
    one: 'role',
    ids: ['Role', 'Roles'],
    schema: role,
    nameOf: ({ name }) => name,
    isMeant: ({ name: own }, name) => own === name,
    example: { name: 'reader', permissions: [] },
    patch: { includes: [] },
  }),
  ...namedListRoutes({
    list: 'policies',
    one: 'policy',
    ids: ['Policy', 'Policies'],
    schema: policy,
    nameOf: ({ kind, name }) => `${kind}:${name}`,
    isMeant: ({ name: own }, name) => own === name,
    example: {
      kind: 'row',
      name: 'own_region',
      parameters: ['region'],
      template: { col: 'region', op: 'eq', value: '{{ region }}' },
    },
    patch: { parameters: ['region'] },
  }),
];
