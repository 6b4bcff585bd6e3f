/** Reads the body of `POST /api/tokens`, and turns it into a guest grant. */
import { z } from 'zod';
import type { Action } from '../../../guest/grant/actions.ts';
import { network } from '../../../guest/grant/bindings.ts';
import { atMost, dataText, identifier } from '../../../guest/grant/fields.ts';
import { faultIn } from '../shared/faults.ts';
import { labelOf } from '../shared/minting.ts';
import { boom } from './errors.ts';
import type { InformerSection } from './options.ts';

const reading: readonly Action[] = [
  'view',
  'filter',
  'drill',
  'explore',
  'underlying',
  'export:csv',
  'export:xlsx',
  'export:pdf',
  'export:image',
];
const writing: readonly Action[] = [
  'edit',
  'create',
  'delete',
  'layout',
  'share',
  'schedule',
  'comment',
  'archive',
];

/** Everything that the product's calls can ask for. */
export const informerActions: readonly Action[] = [...reading, ...writing];

/** For each field: the type of the thing that it names, and the list in the section. */
export const bindings = {
  reportId: { type: 'report', list: 'reports' },
  datasourceId: { type: 'datasource', list: 'datasources' },
  assistantId: { type: 'assistant', list: 'assistants' },
  visualId: { type: 'visual', list: 'visuals' },
  datasetId: { type: 'dataset', list: 'datasets' },
  queryId: { type: 'query', list: 'queries' },
} as const satisfies Record<string, { readonly type: string; readonly list: keyof InformerSection }>;

type BindingField = keyof typeof bindings;
export const bindingFields = Object.keys(bindings) as readonly BindingField[];

/** A token without a resource stands for its owner, at an API that supports it. */
export const PERSONAL = 'custom:personal';

const id = identifier.optional();

export const tokenRequest = z
  .strictObject({
    type: z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/),
    notes: dataText.optional(),
    readOnly: z.boolean().default(false),
    restrict: z.enum(['host', 'cidr']).optional(),
    host: network.optional(),
    cidr: network.refine((value) => /^[0-9a-f:.]+(\/\d+)?$/i.test(value)).optional(),
    reportId: id,
    datasourceId: id,
    assistantId: id,
    visualId: id,
    datasetId: id,
    queryId: id,
    data: atMost(4096, z.record(z.string(), z.json())).optional(),
  })
  // Half a limit would be no limit, so it is refused.
  .refine((given) => (given.host !== undefined) === (given.restrict === 'host'), { path: ['host'] })
  .refine((given) => (given.cidr !== undefined) === (given.restrict === 'cidr'), { path: ['cidr'] });

export type TokenRequest = z.infer<typeof tokenRequest>;

export function readTokenRequest(body: unknown, section: InformerSection): TokenRequest {
  const parsed = tokenRequest.safeParse(body);
  if (!parsed.success) throw boom(400, messageOf(parsed.error));
  const request = parsed.data;
  for (const field of bindingFields) {
    const given = request[field];
    if (given !== undefined && !section[bindings[field].list].includes(given)) {
      throw boom(400, `"${field}" is not known`);
    }
  }
  const own = bindingFields.find((field) => bindings[field].type === request.type);
  const isBound = bindingFields.some((field) => request[field] !== undefined);
  if (own !== undefined && request[own] === undefined) throw boom(400, `"${own}" is required`);
  if (!isBound && request.type !== 'personal') throw boom(400, '"type" needs what the token is for');
  return request;
}

/** In Joi's words. */
function messageOf(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue?.code === 'unrecognized_keys') return `Invalid request payload input: ${faultIn(error)}`;
  const field = issue?.path[0];
  return field === undefined
    ? 'Invalid request payload JSON format'
    : `"${String(field)}" is missing or invalid`;
}

export function grantOf(
  request: TokenRequest,
  {
    owner,
    ttl,
    purpose,
  }: { readonly owner: string; readonly ttl: number | null; readonly purpose: 'embed' | 'public_link' },
): object {
  const actions = request.readOnly ? reading : informerActions;
  const network = request.host ?? request.cidr;
  const label = labelOf(request.notes);
  const resources = resourcesOf(request, owner);
  return {
    // Only a personal token has an owner; others are for whoever holds them.
    subject: isPersonal(request)
      ? { tenant: NO_TENANT, id: owner, type: 'org_user' }
      : { tenant: NO_TENANT, type: 'anonymous' },
    resources: resources.map((one) => ({ ...one, include: 'children', actions, rows: 'all' })),
    ...(network === undefined ? {} : { binding: { ip: [network] } }),
    lifetime: { ttl },
    format: 'opaque',
    purpose,
    ...(label === undefined ? {} : { label }),
    ...(request.data === undefined ? {} : { metadata: request.data }),
  };
}

/** The tenant of a token that names none. */
const NO_TENANT = 'informer';

export function isPersonal(request: Partial<Pick<TokenRequest, BindingField>>): boolean {
  return bindingFields.every((field) => request[field] === undefined);
}

function resourcesOf(request: TokenRequest, owner: string): readonly { type: string; id: string }[] {
  const bound = bindingFields.flatMap((field) => {
    const given = request[field];
    return given === undefined ? [] : [{ type: bindings[field].type, id: given }];
  });
  return bound.length > 0 ? bound : [{ type: PERSONAL, id: owner }];
}
