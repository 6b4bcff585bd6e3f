/** Reads a `TokenRequest` of Semaphor's token call, and tells which of its scenarios it is. */
import { z } from 'zod';
import { identifier, label, mapOf, setOf } from '../../../guest/grant/fields.ts';
import { policyParams } from '../../../guest/grant/grant.ts';
import { faultIn } from '../shared/faults.ts';
import { refusal } from './errors.ts';

const policy = z.strictObject({ name: label(128), params: policyParams });
/** A single value means a list of one. */
const policies = z.union([policy.transform((one) => [one]), z.array(policy).max(20)]);
const credential = z.string().min(1).max(1024);

const currencyFormat = z
  .strictObject({ locale: z.string().min(1).max(64), currency: z.string().regex(/^[A-Za-z]{3}$/) })
  .refine(isCurrencyFormat);

const common = {
  tokenExpiry: z.int().min(1).default(3600),
  tenantId: identifier.optional(),
  tenantName: identifier.optional(),
  endUserId: identifier.optional(),
  endUserEmail: identifier.optional(),
  orgUserId: identifier.optional(),
  orgUserEmail: identifier.optional(),
  displayName: identifier.optional(),
  allowEdit: z.boolean().optional(),
  cls: policies.optional(),
  rcls: policies.optional(),
  sls: policies.optional(),
  securityParams: policyParams.optional(),
  params: z.strictObject({ currencyFormat: currencyFormat.optional() }).optional(),
  config: z
    .strictObject({
      allowEdit: z.boolean().optional(),
      showAdvancedMode: z.boolean().default(true),
      showDashboardAssistant: z.boolean().default(true),
    })
    .prefault({}),
  semanticDomainAccess: z
    .strictObject({ mode: z.literal('include'), domains: setOf(identifier, 100) })
    .optional(),
};

const dashboardRequest = z.strictObject({
  ...common,
  type: z.literal('dashboard').optional(),
  dashboardId: credential,
  dashboardSecret: credential,
});

const projectRequest = z.strictObject({
  ...common,
  type: z.literal('project'),
  projectId: credential,
  projectSecret: credential,
  role: z.enum(['VIEWER', 'POWER_USER']).optional(),
  autoCreateEndUser: z.boolean().optional(),
  initialDashboardId: identifier.optional(),
  targetDashboardId: identifier.optional(),
  allowedSemanticDomains: setOf(identifier, 100).optional(),
});

export const tokenRequest = z.union([dashboardRequest, projectRequest]);

type Asked = z.infer<typeof tokenRequest>;

export type TokenRequest = Omit<z.infer<typeof projectRequest>, 'type' | 'projectId' | 'projectSecret'> & {
  readonly resource: { readonly type: 'dashboard' | 'project'; readonly id: string };
  readonly secret: string;
};

const kind = z.looseObject({ type: z.string().optional() });

export function readTokenRequest(body: unknown): TokenRequest {
  const isProject = kind.safeParse(body).data?.type === 'project';
  const parsed = isProject ? projectRequest.safeParse(body) : dashboardRequest.safeParse(body);
  if (!parsed.success) throw refusal('INVALID_REQUEST', messageOf(parsed.error, body));
  const request = plain(parsed.data);
  if (request.resource.type === 'project') checkScenario(request);
  return request;
}

function plain(asked: Asked): TokenRequest {
  if (asked.type === 'project') {
    const { type, projectId: id, projectSecret: secret, ...rest } = asked;
    return { ...rest, resource: { type, id }, secret };
  }
  const { type: _, dashboardId: id, dashboardSecret: secret, ...rest } = asked;
  return { ...rest, resource: { type: 'dashboard', id }, secret };
}

/** The token of a project always names a user. */
function checkScenario(request: TokenRequest): void {
  const { orgUserId, endUserId, endUserEmail, tenantId, tenantName } = request;
  if (orgUserId !== undefined || endUserId !== undefined) return;
  if (endUserEmail === undefined) {
    throw refusal('INVALID_REQUEST', 'orgUserId, endUserId or endUserEmail is required.');
  }
  if (tenantId === undefined && tenantName === undefined) {
    throw refusal('INVALID_REQUEST', 'endUserEmail needs tenantId or tenantName.');
  }
}

function messageOf(error: z.ZodError, body: unknown): string {
  const [issue] = error.issues;
  const field = issue?.path[0];
  if (issue?.code === 'unrecognized_keys') return `${faultIn(error)}.`;
  if (typeof field !== 'string') return 'The body must be a JSON object.';
  const isMissing = mapOf(z.unknown(), 1000).safeParse(body).data?.[field] === undefined;
  return isMissing ? `${field} is required.` : `${field} is invalid: ${faultIn(error)}.`;
}

/** Values that `Intl.NumberFormat` accepts (the product's own condition), of existing currencies. */
function isCurrencyFormat({ locale, currency }: { locale: string; currency: string }): boolean {
  if (!Intl.supportedValuesOf('currency').includes(currency.toUpperCase())) return false;
  try {
    new Intl.NumberFormat(locale, { style: 'currency', currency });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
