/**
 * The demo's second part: an analytics API that knows nothing of permissions. It introspects every token, and runs
 * its queries under the condition in the answer. In case of doubt it returns no rows: a missing guest context never
 * means "no filter".
 */
import type { Context } from 'koa';
import { z } from 'zod';
import { type Call, curlOf, ownAddress, type Reply, send } from './calls.ts';
import type { DemoRealm } from './demo-realm.ts';
import { type Condition, columns, type Row, type Table, type Warehouse } from './warehouse.ts';

/** What a query needs: resource and action by the realm's names, and the table. */
export type Query = {
  readonly resource: string;
  readonly action: string;
  readonly table: Table;
  readonly as: 'json' | 'csv';
};

type Deps = {
  readonly realm: DemoRealm;
  readonly warehouse: Warehouse;
  readonly publicUrl: string;
  readonly basePath: string;
};

type Refusal = { readonly status: 401 | 403 | 503; readonly error?: string; readonly reason: string };

type Granted = { readonly condition: Condition; readonly limit: number };

const MAX_ROWS = 1000;

/** RFC 7662 §2.2 with the members of guest tokens. */
const answer = z.object({
  active: z.boolean(),
  guest_reason: z.string().optional(),
  guest: z.boolean().optional(),
  cnf: z.unknown().optional(),
  allowed: z.boolean().optional(),
  policy: z.unknown().optional(),
});

/** Every kind of limit that this API applies. It refuses a token with other limits rather than ignoring some. */
const policy = z.strictObject({
  rows: z.unknown(),
  sql: z.object({
    sqlite: z.object({ sql: z.string(), params: z.array(z.union([z.string(), z.number()])) }),
  }),
  limits: z.strictObject({ max_rows: z.int().optional() }).optional(),
});

export function createAnalytics({ realm, warehouse, publicUrl, basePath }: Deps) {
  /** Answers a query with the rows that the bearer may see, or with the reason why there are none (RFC 6750 §3). */
  async function respond(ctx: Context, query: Query): Promise<void> {
    const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(ctx.get('Authorization'))?.[1];
    if (token === undefined) return refuse(ctx, { status: 401, reason: 'a guest token is needed' });
    const call = introspection(ctx, query, token);
    const decided = judge(await ask(ctx, call));
    if ('status' in decided) return refuse(ctx, decided);
    const rows = warehouse.find(query.table, decided.condition, decided.limit);
    if (rows === undefined) return refuse(ctx, outside('its row limits do not fit this data'));
    if (query.as === 'csv') return sendCsv(ctx, rows);
    ctx.body = { rows, introspection: curlOf(call, publicUrl, { GUEST_TOKEN: token }) };
  }

  /** The API also sends what it sees of the browser, because a token may be bound to it. */
  function introspection(ctx: Context, { resource, action }: Query, token: string): Call {
    const origin = ctx.get('Origin');
    return {
      title: 'The analytics API asks what the pass opens',
      path: `/realms/${realm.name}/protocol/openid-connect/token/introspect`,
      form: { token, resource, action, ip: ctx.get('X-Forwarded-For'), ...(origin === '' ? {} : { origin }) },
      as: realm.gateway,
    };
  }

  /** `undefined` when there is no answer. */
  async function ask(ctx: Context, call: Call): Promise<Reply | undefined> {
    try {
      return await send(call, `${ownAddress(ctx.req.socket)}${basePath}`);
    } catch {
      // The caller gets the same answer whatever went wrong.
      return undefined;
    }
  }

  return { respond };
}

function judge(reply: Reply | undefined): Granted | Refusal {
  const parsed = answer.safeParse(reply?.body);
  if (reply?.status !== 200 || !parsed.success) {
    return { status: 503, error: 'temporarily_unavailable', reason: 'the pass could not be checked' };
  }
  const { active, guest_reason: reason = 'unknown', guest, allowed, cnf, policy: limits } = parsed.data;
  if (!active) return { status: 401, error: 'invalid_token', reason };
  // This API verifies no proofs, so it refuses bound tokens: they may be stolen.
  if (cnf !== undefined) return { status: 401, error: 'invalid_token', reason: 'key_mismatch' };
  if (guest !== true || allowed !== true) return outside('the token does not open this');
  const known = policy.safeParse(limits);
  if (!known.success) return outside('it has limits that this API cannot apply');
  return {
    condition: known.data.sql.sqlite,
    limit: Math.min(known.data.limits?.max_rows ?? MAX_ROWS, MAX_ROWS),
  };
}

function outside(reason: string): Refusal {
  return { status: 403, error: 'insufficient_scope', reason };
}

/** RFC 6750 §3.1: a request without a token gets no error code. */
function refuse(ctx: Context, { status, error, reason }: Refusal): void {
  ctx.status = status;
  const parts = ['realm="analytics"', error && `error="${error}"`, error && `error_description="${reason}"`];
  if (status === 503) ctx.set('Retry-After', '1');
  else ctx.set('WWW-Authenticate', `Bearer ${parts.filter(Boolean).join(', ')}`);
  ctx.body = { error: error ?? 'unauthorized', error_description: reason };
}

/** RFC 4180. */
function sendCsv(ctx: Context, rows: readonly Row[]): void {
  const lines = rows.map((row) =>
    columns.map((name) => `"${String(row[name]).replaceAll('"', '""')}"`).join(','),
  );
  ctx.attachment('orders.csv');
  ctx.type = 'text/csv; charset=utf-8';
  ctx.body = `${[columns.join(','), ...lines].join('\r\n')}\r\n`;
}
