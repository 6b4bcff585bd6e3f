/** Turns a request for a guest token into a guest grant. Pure. */
import type { Action } from '../../../guest/grant/actions.ts';
import type { Rows } from '../../../guest/grant/predicate.ts';
import type { RowOrigin } from '../../../guest/record/guest-record.ts';
import { type MintRequest, type Params, type Permissions, refuseParam } from './mint-request.ts';

/** Everything that the product's calls can ask for. */
export const databrainActions: readonly Action[] = [
  'view',
  'filter',
  'drill',
  'explore',
  'underlying',
  'export:csv',
  'export:xlsx',
  'export:pdf',
  'export:image',
  'create',
  'edit',
  'archive',
  'layout',
];

const actionsOfFlag = {
  isEnableArchiveMetrics: ['archive'],
  isEnableManageMetrics: ['create', 'edit'],
  isEnableCreateDashboardView: ['create'],
  isEnableMetricUpdation: ['edit'],
  isEnableCustomizeLayout: ['layout'],
  isEnableUnderlyingData: ['underlying'],
  isEnableDownloadMetrics: ['export:csv', 'export:xlsx', 'export:pdf', 'export:image'],
} as const satisfies Partial<Record<keyof Permissions, readonly Action[]>>;

/** The tenant of a token that names none. */
const NO_TENANT = 'databrain';

export function grantOf(request: MintRequest, ttl: number | null): object {
  const { params, theme, datasourceName } = request;
  return {
    subject: subjectOf(request),
    resources: resourcesOf(request, actionsOf(request.permissions)),
    context: {
      ...(params.timezone === undefined ? {} : { timezone: params.timezone }),
      ...(datasourceName === undefined ? {} : { datasource: datasourceName }),
    },
    ui: {
      hide: hiddenIn(request),
      ...(params.dashboard === undefined ? {} : { start: { id: params.dashboard.id, mode: 'default' } }),
      ...(theme === undefined ? {} : { theme }),
    },
    lifetime: { ttl },
    format: 'uuid',
  };
}

function subjectOf({ clientId, params: { userIdentifier: id } }: MintRequest): object {
  const tenant = clientId === 'None' ? NO_TENANT : clientId;
  return id === undefined ? { tenant, type: 'anonymous' } : { tenant, id, type: 'end_user' };
}

/** An option that is not set is off. */
function actionsOf(permissions: Permissions): readonly Action[] {
  const given = Object.entries(actionsOfFlag).flatMap(([flag, actions]) =>
    permissions[flag as keyof typeof actionsOfFlag] === true ? actions : [],
  );
  const actions = new Set<Action>(['view', 'filter', 'drill', 'explore', ...given]);
  if (permissions.isDisableMetricCreation === true) actions.delete('create');
  return [...actions];
}

function hiddenIn({ permissions, params }: MintRequest): readonly string[] {
  return [
    ...(permissions.isShowSideBar === false ? ['sidebar'] : []),
    ...(permissions.isShowDashboardName === false ? ['dashboard_name'] : []),
    ...(params.hideDatePicker === true ? ['date_picker'] : []),
  ];
}

type Filtered = {
  readonly type: 'dashboard' | 'metric';
  readonly id: string;
  readonly rows: unknown;
  readonly filters?: object;
};

function resourcesOf(request: MintRequest, actions: readonly Action[]): object[] {
  const { params } = request;
  const filtered = [...dashboards(params), ...metrics(params)];
  return [...containers(request, filtered), ...filtered].map((one) => ({ ...one, actions }));
}

/** An embed has the limits of every resource with its id, because it may be the same thing. */
function containers({ target, params }: MintRequest, filtered: readonly Filtered[]): object[] {
  const hidden = hiddenFilters(params);
  const byId = Map.groupBy(filtered, ({ id }) => id);
  const named = params.allowedEmbeds?.map((id) => {
    const same = byId.get(id) ?? [];
    const filters = same.find((one) => one.filters !== undefined)?.filters;
    const { rows = 'all' } = same.find((one) => one.type === 'metric') ?? {};
    return { type: 'embed', id, rows, ...(filters && { filters }) };
  });
  return (named ?? [target]).map((one) => ({
    include: 'children',
    rows: 'all',
    ...(hidden && { filters: hidden }),
    ...one,
  }));
}

/** A filter allows nothing: where embeds are listed, a filter for something else only limits it inside of them. */
export function limitingOf(params: Params): readonly Pick<Filtered, 'type' | 'id'>[] {
  const { allowedEmbeds } = params;
  if (allowedEmbeds === undefined) return [];
  const embeds = new Set(allowedEmbeds);
  return [...dashboards(params), ...metrics(params)].filter(({ id }) => !embeds.has(id));
}

function hiddenFilters({ hideDashboardFilters: hidden }: Params): object | undefined {
  return hidden && { hidden };
}

/** Filters of one dashboard may come in several pieces, but no filter twice. */
function dashboards(params: Params): Filtered[] {
  const locked = new Map<string, Record<string, unknown>>();
  const offUrl = new Set<string>();
  const onUrl = new Set<string>();
  for (const { dashboardId, values, isShowOnUrl } of params.dashboardAppFilters) {
    const known = locked.get(dashboardId) ?? {};
    if (Object.keys(values).some((name) => Object.hasOwn(known, name)))
      throw refuseParam('dashboardAppFilters');
    locked.set(dashboardId, { ...known, ...values });
    if (isShowOnUrl !== undefined) (isShowOnUrl ? onUrl : offUrl).add(dashboardId);
  }
  return [...locked].map(([id, values]) => {
    const isSaid = offUrl.has(id) || onUrl.has(id);
    const filters = {
      locked: values,
      ...hiddenFilters(params),
      ...(isSaid ? { show_on_url: !offUrl.has(id) } : {}),
    };
    return { type: 'dashboard' as const, id, include: 'children', rows: 'all', filters };
  });
}

/** All limits of a metric apply together, whichever way they were sent. */
function metrics({ appFilters, rlsSettings }: Params): Filtered[] {
  const limits = Map.groupBy([...appFilters, ...rlsSettings], ({ metricId }) => metricId);
  return [...limits].map(([id, parts]) => ({ type: 'metric', id, rows: together(parts) }));
}

/** Tells which limits of a metric are filters of the app and which are row-level security. */
export function rowOriginsOf({ appFilters, rlsSettings }: Params): readonly RowOrigin[] {
  const originsOf = (origin: RowOrigin['origin'], parts: Params['appFilters']) =>
    parts.map(({ metricId: id, values: rows }) => ({ type: 'metric', id, origin, rows }));
  return [...originsOf('app_filter', appFilters), ...originsOf('rls', rlsSettings)];
}

function together(parts: readonly { readonly values: Rows }[]): unknown {
  const [first, ...others] = parts.map(({ values }) => values);
  return others.length === 0 ? first : { and: [first, ...others] };
}
