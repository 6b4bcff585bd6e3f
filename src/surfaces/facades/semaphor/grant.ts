/** Turns a token request into a guest grant. Pure. */
import type { Action } from '../../../guest/grant/actions.ts';
import type { PolicyUse } from '../../../guest/grant/grant.ts';
import type { Policy } from '../../../registry/model/model.ts';
import { refusal } from './errors.ts';
import type { SemaphorSection } from './options.ts';
import type { TokenRequest } from './token-request.ts';

const viewing: readonly Action[] = [
  'view',
  'filter',
  'drill',
  'explore',
  'export:csv',
  'export:xlsx',
  'export:pdf',
  'export:image',
];

/** Everything that the product's calls can ask for. */
export const semaphorActions: readonly Action[] = [...viewing, 'edit'];

/** The tenant of a token that names none. */
const NO_TENANT = 'semaphor';

export function grantOf(request: TokenRequest, policies: readonly PolicyUse[], ttl: number | null): object {
  const { resource } = request;
  const actions = mayEdit(request) ? semaphorActions : viewing;
  return {
    subject: subjectOf(request),
    resources: [{ ...resource, include: 'children', actions, rows: 'all' }],
    policies,
    context: contextOf(request),
    ui: uiOf(request),
    lifetime: { ttl },
    format: 'jwt_reference',
  };
}

/** The product has the field in two places: neither may forbid it. */
export function mayEdit({ allowEdit, config }: TokenRequest): boolean {
  const said = [allowEdit, config.allowEdit];
  return said.includes(true) && !said.includes(false);
}

/** Staff comes before users of tenants. */
function subjectOf(request: TokenRequest): object {
  const { orgUserId, orgUserEmail, endUserId, endUserEmail, tenantId, tenantName, displayName } = request;
  const tenant = tenantId ?? tenantName ?? NO_TENANT;
  const id = orgUserId ?? endUserId ?? endUserEmail;
  const mail = orgUserId === undefined ? endUserEmail : orgUserEmail;
  const about = {
    ...(mail === undefined ? {} : { email: mail }),
    ...(displayName === undefined ? {} : { name: displayName }),
    ...(tenantId === undefined || tenantName === undefined ? {} : { attributes: { tenantName } }),
    ...rolesOf(request),
  };
  if (id === undefined) return { tenant, type: 'anonymous', ...about };
  const type = orgUserId === undefined ? 'end_user' : 'org_user';
  return { tenant, id, type, ...about, provision: createsEndUser(request) ? 'jit' : 'none' };
}

/** A token cannot make anybody staff. */
function createsEndUser({ autoCreateEndUser, orgUserId }: TokenRequest): boolean {
  return autoCreateEndUser === true && orgUserId === undefined;
}

function rolesOf(request: TokenRequest): { readonly roles?: readonly string[] } {
  const given = request.role ?? (createsEndUser(request) ? 'VIEWER' : undefined);
  return given === undefined ? {} : { roles: [given] };
}

function contextOf({ params, semanticDomainAccess, allowedSemanticDomains }: TokenRequest): object {
  const format = params?.currencyFormat;
  const newer = semanticDomainAccess?.domains;
  // Where both forms are given, only what both allow.
  const ids = newer?.filter((id) => allowedSemanticDomains?.includes(id) !== false) ?? allowedSemanticDomains;
  return {
    ...(format === undefined ? {} : { locale: format.locale, currency: format.currency.toUpperCase() }),
    ...(ids === undefined ? {} : { domains: { mode: 'include', ids } }),
  };
}

function uiOf({ config, targetDashboardId, initialDashboardId }: TokenRequest): object {
  const id = targetDashboardId ?? initialDashboardId;
  const mode = targetDashboardId === undefined ? 'default' : 'force';
  return {
    features: { advanced: config.showAdvancedMode, assistant: config.showDashboardAssistant },
    ...(id === undefined ? {} : { start: { id, mode } }),
  };
}

/** The policies of a token, and the field that each came from. */
export function policiesOf(
  request: TokenRequest,
  section: SemaphorSection,
  defined: readonly Policy[],
): readonly { readonly field: string; readonly use: PolicyUse }[] {
  const named = [
    ...(request.cls ?? []).map((use) => ({ field: 'cls', use: { kind: 'connection' as const, ...use } })),
    ...(request.sls ?? []).map((use) => ({ field: 'sls', use: { kind: 'schema' as const, ...use } })),
    ...(request.rcls ?? []).map((use) => ({ field: 'rcls', use: { kind: 'row' as const, ...use } })),
  ];
  if (section.assignedPolicies.length === 0) {
    if (request.securityParams !== undefined) {
      throw refusal('INVALID_REQUEST', 'securityParams is for assigned policies, and there are none.');
    }
    return named;
  }
  if (named.length > 0) throw refusal('INVALID_REQUEST', NO_OVERLAYS);
  return assignedTo(request.securityParams ?? {}, section, defined);
}

/** The product's own words. */
const NO_OVERLAYS = 'Unified Security runtime cutover does not support legacy token cls/rcls/sls overlays.';

function assignedTo(
  values: PolicyUse['params'],
  { assignedPolicies }: SemaphorSection,
  defined: readonly Policy[],
): readonly { readonly field: string; readonly use: PolicyUse }[] {
  const policies = defined.filter(({ name }) => assignedPolicies.includes(name));
  const known = new Set(policies.flatMap(({ parameters }) => parameters));
  if (Object.keys(values).some((name) => !known.has(name))) {
    throw refusal('INVALID_REQUEST', 'securityParams has a value that no policy knows.');
  }
  return policies.map(({ kind, name, parameters }) => ({
    field: 'securityParams',
    use: {
      kind,
      name,
      params: Object.fromEntries(
        Object.entries(values).filter(([parameter]) => parameters.includes(parameter)),
      ),
    },
  }));
}
