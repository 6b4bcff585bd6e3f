/** Reads a request for a guest token of DataBrain's two versions; checked in the order of their error codes. */
import { z } from 'zod';
import { atMost, identifier, setOf } from '../../../guest/grant/fields.ts';
import { isTimeZone } from '../../../guest/grant/intl-names.ts';
import { type Rows, rows as rowsSchema, usesRawSql } from '../../../guest/grant/predicate.ts';
import { faultIn } from '../shared/faults.ts';
import { type Code, refusal } from './errors.ts';
import type { LiveKey } from './keys.ts';
import type { DatabrainSection } from './options.ts';

export type MintRequest = {
  readonly clientId: string;
  /** What the token is for when no embeds are named. */
  readonly target: { readonly type: 'workspace' | 'data_app'; readonly id: string };
  readonly params: Params;
  readonly permissions: Permissions;
  readonly theme: Record<string, unknown> | undefined;
  /** Milliseconds. Absent: the token never expires. */
  readonly expiryTime: number | undefined;
  readonly datasourceName: string | undefined;
};

const flags = [
  'isEnableArchiveMetrics',
  'isEnableManageMetrics',
  'isEnableCreateDashboardView',
  'isEnableMetricUpdation',
  'isEnableCustomizeLayout',
  'isEnableUnderlyingData',
  'isEnableDownloadMetrics',
  'isDisableMetricCreation',
  'isShowSideBar',
  'isShowDashboardName',
] as const;

export type Permissions = Readonly<Partial<Record<(typeof flags)[number], boolean>>>;

const permissions = z.partialRecord(z.enum(flags), z.boolean());

const common = {
  clientId: z.unknown().optional(),
  params: z.record(z.string(), z.unknown()).default({}),
  expiryTime: z.number().positive().optional(),
  datasourceName: identifier.optional(),
};
/** By version. */
export const bodies = {
  1: z.strictObject({ ...common, workspaceName: z.unknown().optional() }),
  2: z.strictObject({
    ...common,
    dataAppName: z.unknown().optional(),
    permissions: permissions.default({}),
    theme: z.record(z.string(), z.unknown()).optional(),
  }),
};

/** Filters by name as a row limit: all of them apply. */
const limits = z.record(z.string(), z.unknown()).transform((values, context): Rows => {
  const leaves = Object.entries(values).map(([col, value]) => comparisonOf(col, value));
  const parsed = rowsSchema.safeParse(leaves.length === 1 ? leaves[0] : { and: leaves });
  if (parsed.success) return parsed.data;
  context.addIssue('is no set of filters');
  return z.NEVER;
});

/** The product's filter variants; `undefined` for anything else. */
function comparisonOf(col: string, value: unknown): object | undefined {
  if (Array.isArray(value)) return { col, op: 'in', value };
  if (typeof value !== 'object') return { col, op: 'eq', value };
  const dates = z.strictObject({ startDate: z.string(), endDate: z.string() }).safeParse(value).data;
  if (dates !== undefined) return { col, op: 'between', value: [dates.startDate, dates.endDate] };
  const range = z.strictObject({ min: z.number(), max: z.number() }).safeParse(value).data;
  if (range !== undefined) return { col, op: 'between', value: [range.min, range.max] };
  const query = z.strictObject({ sql: z.string(), columnName: z.string() }).safeParse(value).data;
  return query && { col, op: 'in_query', value: query };
}

/** The most entries of each list. The product knows no limit; the size of the request is one. */
const MAX_ENTRIES = 1000;
const TOO_MANY = `has more than ${MAX_ENTRIES} entries`;

const metricLimits = z
  .array(z.strictObject({ metricId: identifier, values: limits }))
  .max(MAX_ENTRIES, TOO_MANY);

const params = z.strictObject({
  dashboard: z.strictObject({ id: identifier }).optional(),
  dashboardAppFilters: z
    .array(
      z.strictObject({
        dashboardId: identifier,
        values: atMost(16_384, z.record(z.string(), z.json())),
        isShowOnUrl: z.boolean().optional(),
      }),
    )
    .max(MAX_ENTRIES, TOO_MANY)
    .default([]),
  appFilters: metricLimits.default([]),
  rlsSettings: metricLimits.default([]),
  hideDashboardFilters: setOf(identifier, 100).optional(),
  userIdentifier: identifier.optional(),
  timezone: z.string().max(64).refine(isTimeZone).optional(),
  allowedEmbeds: z
    .array(identifier)
    .min(1)
    .max(MAX_ENTRIES, TOO_MANY)
    .overwrite((list) => [...new Set(list)])
    .optional(),
  hideDatePicker: z.boolean().optional(),
});

export type Params = z.infer<typeof params>;

/** In the order in which they are reported. */
const codesOfParams = {
  dashboard: ['DASHBOARD_PARAM_ERROR', 'invalid dashboard id'],
  dashboardAppFilters: ['DASHBOARD_PARAM_ERROR', 'invalid dashboard app filters'],
  appFilters: ['APP_FILTER_PARAM_ERROR', 'invalid app filters'],
  rlsSettings: ['RLS_SETTINGS_PARAM_ERROR', 'invalid rls settings'],
} as const satisfies Record<string, readonly [Code, string]>;

type CodedParam = keyof typeof codesOfParams;

export function readMintRequest(
  version: 1 | 2,
  body: unknown,
  {
    section,
    key,
    allowRawSql,
  }: { readonly section: DatabrainSection; readonly key: LiveKey; readonly allowRawSql: boolean },
): MintRequest {
  const top = readTop(version, body);
  const clientId = identifier.safeParse(top.clientId).data;
  if (clientId === undefined) throw refusal('CLIENT_ID_ERROR', 'clientId is missing or invalid');
  const target = version === 1 ? workspaceOf(section, top.workspaceName) : dataAppOf(key, top.dataAppName);
  const given = readParams(top.params);
  for (const name of ['appFilters', 'rlsSettings'] as const) {
    if (!allowRawSql && given[name].some(({ values }) => usesRawSql(values))) throw refuseParam(name);
  }
  checkDatasource(section, top.datasourceName);
  const { theme, expiryTime, datasourceName } = top;
  return { clientId, target, params: given, permissions: top.permissions, theme, expiryTime, datasourceName };
}

function readTop(version: 1 | 2, body: unknown) {
  const parsed = version === 1 ? bodies[1].safeParse(body) : bodies[2].safeParse(body);
  if (!parsed.success) {
    throw refusal('INVALID_REQUEST_BODY', `the request body is invalid: ${faultIn(parsed.error)}`);
  }
  const none = { workspaceName: undefined, dataAppName: undefined, permissions: {}, theme: undefined };
  return { ...none, ...parsed.data };
}

function workspaceOf({ workspaces }: DatabrainSection, name: unknown): MintRequest['target'] {
  if (typeof name !== 'string' || !workspaces.includes(name)) {
    throw refusal('WORKSPACE_ID_ERROR', 'workspaceName is missing or unknown');
  }
  return { type: 'workspace', id: name };
}

/** For a key, the name of another app is as unknown as one that does not exist. */
function dataAppOf({ app }: LiveKey, name: unknown): MintRequest['target'] {
  if (app === undefined || name !== app)
    throw refusal('DATA_APP_NOT_FOUND', 'dataAppName is missing or unknown');
  return { type: 'data_app', id: app };
}

function readParams(given: unknown): Params {
  const parsed = params.safeParse(given);
  if (parsed.success) return parsed.data;
  const wrong = new Set(parsed.error.issues.map(({ path }) => path[0]));
  const coded = (Object.keys(codesOfParams) as CodedParam[]).find((name) => wrong.has(name));
  if (coded !== undefined) {
    const issues = parsed.error.issues.filter(({ path }) => path[0] === coded);
    throw refuseParam(coded, faultIn({ issues }));
  }
  throw refusal('INVALID_REQUEST_BODY', `params: ${faultIn(parsed.error)}`);
}

/** `fault`: which part of the parameter is wrong. */
export function refuseParam(name: CodedParam, fault?: string) {
  const [code, message] = codesOfParams[name];
  return refusal(code, fault === undefined ? message : `${message}: ${fault}`);
}

function checkDatasource({ datasources }: DatabrainSection, name: string | undefined): void {
  const isMissing = name === undefined && datasources.length > 1;
  if (isMissing || (name !== undefined && !datasources.includes(name))) {
    throw refusal('INVALID_REQUEST_BODY', 'datasourceName is missing or unknown');
  }
}
