/**
 * The registered resource types and actions, and the permission that a user needs to pass an action on to a guest.
 */
import { z } from 'zod';

const registeredType = z.enum([
  'dashboard',
  'report',
  'metric',
  'chart',
  'dataset',
  'query',
  'datasource',
  'assistant',
  'visual',
  'workspace',
  'data_app',
  'project',
  'domain',
  'embed',
]);

/**
 * The name of a product's own type, without anchors. It holds no colon, so that `custom:name:id` can be read in one
 * way only.
 */
export const customType = /[a-z0-9][a-z0-9_-]{0,63}/;

export const resourceType = z.union(
  [registeredType, z.templateLiteral(['custom:', z.string().regex(new RegExp(`^${customType.source}$`))])],
  { error: `must be one of ${registeredType.options.join(', ')} or custom:name` },
);
/** The registered types. A product's own are named `custom:…`. */
export const resourceTypes: readonly string[] = registeredType.options;

export type ResourceType = z.infer<typeof resourceType>;

/**
 * `right`: the permission that a user needs to pass the action on. `scope`: the coarse scope that covers the action.
 */
const actions = {
  view: { right: 'read', scope: 'guest:view' },
  filter: { right: 'read', scope: 'guest:filter' },
  drill: { right: 'read', scope: 'guest:view' },
  explore: { right: 'read', scope: 'guest:view' },
  underlying: { right: 'read', scope: 'guest:view' },
  'export:csv': { right: 'read', scope: 'guest:export' },
  'export:xlsx': { right: 'read', scope: 'guest:export' },
  'export:pdf': { right: 'read', scope: 'guest:export' },
  'export:image': { right: 'read', scope: 'guest:export' },
  share: { right: 'write', scope: 'guest:edit' },
  schedule: { right: 'write', scope: 'guest:edit' },
  comment: { right: 'write', scope: 'guest:edit' },
  edit: { right: 'write', scope: 'guest:edit' },
  create: { right: 'write', scope: 'guest:edit' },
  delete: { right: 'write', scope: 'guest:edit' },
  layout: { right: 'write', scope: 'guest:edit' },
  archive: { right: 'write', scope: 'guest:edit' },
  // Both reach data beyond any list of resources, so only a user with a write permission may pass them on.
  ask_ai: { right: 'write', scope: 'guest:edit' },
  sql: { right: 'write', scope: 'guest:edit' },
} as const satisfies Record<string, { right: 'read' | 'write'; scope: `guest:${string}` }>;

export type Action = keyof typeof actions;

const [firstAction, ...otherActions] = Object.keys(actions) as [Action, ...Action[]];

export const action = z.enum([firstAction, ...otherActions], {
  error: `must be one of ${Object.keys(actions).join(', ')}`,
});

export type GuestScope = (typeof actions)[Action]['scope'];

/** The coarse scopes that cover these actions, each once. */
export function scopesOf(granted: Iterable<Action>): GuestScope[] {
  return [...new Set([...granted].map((name) => actions[name].scope))];
}

/**
 * The permission (of the API that the token is for) without which a user cannot pass the action on:
 * `dashboards:read` to let others look, filter and export, `dashboards:write` for everything else.
 */
export function permissionNeeded(type: ResourceType, name: Action): string {
  const plural = type.endsWith('y') ? `${type.slice(0, -1)}ies` : `${type}s`;
  return `${plural}:${actions[name].right}`;
}
