/**
 * The routes of the admin API as data: who may call, what is sent, what is answered. The surface, the map of addresses,
 * the OpenAPI document and the tests of who may do what are all made from it.
 */
import type { Context } from 'koa';
import { z } from 'zod';
import { faultsOf } from '../../../guest/grant/refusal.ts';
import type { Method, Params } from '../../../http/routes.ts';
import type { AdminPermission } from '../../../registry/model/built-in-api.ts';
import type { RealmView } from '../../../registry/model/realm-view.ts';
import type { RegistryChanges } from '../../../registry/registry.ts';
import type { AdminCaller } from './caller.ts';
import type { AdminDeps } from './deps.ts';
import { problemOfFaults } from './faults.ts';

/** A call, after its caller has been found entitled to it. */
export type AdminCall<Query = unknown, Body = unknown> = {
  readonly ctx: Context;
  readonly deps: AdminDeps;
  readonly caller: AdminCaller;
  /** Changes of the registry in the name of the caller. */
  readonly changes: RegistryChanges;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
};

/** Writes down what the caller is about to do to something that is not in the registry. */
export function noteDeed(
  { deps, caller, realm }: Pick<RealmCall, 'deps' | 'caller' | 'realm'>,
  deed: string,
  to: Readonly<Record<string, string>>,
): Promise<void> {
  return deps.changeLog.note({ realm: realm.name, actor: caller.actor, deed, to });
}

/** Whether an `Idempotency-Key` counts: lines have their own way to go on, and an old answer to a question is none. */
export function isAnsweredOnce({ method, media, isReadOnly }: AdminRoute): boolean {
  return method === 'POST' && media !== 'application/x-ndjson' && !isReadOnly;
}

/** A call below a realm. */
export type RealmCall<Query = unknown, Body = unknown> = AdminCall<Query, Body> & {
  readonly realm: RealmView;
};

export type Answer = {
  readonly status: number;
  readonly body?: object;
  /** In place of a body: lines of JSON, sent as they come. */
  readonly lines?: AsyncIterable<object>;
  /** What the entity tag is made of. */
  readonly tagged?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};

export type AnswerInfo = { readonly description: string; readonly schema?: z.ZodType };

export type AdminRoute = {
  /** The name of the operation in the OpenAPI document. */
  readonly id: string;
  readonly method: Method;
  readonly path: string;
  readonly summary: string;
  /** The group in the document. */
  readonly tag: string;
  /** Any of them lets a caller in. */
  readonly permissions: readonly [AdminPermission, ...AdminPermission[]];
  /** Only for tokens of the administrators' realm. */
  readonly isServerWide: boolean;
  readonly params: Readonly<Record<string, RegExp>>;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** What a patch changes a part of. */
  readonly patches?: z.ZodType;
  readonly media: 'application/json' | 'application/merge-patch+json' | 'application/x-ndjson';
  /** Needs `If-Match`. */
  readonly isConditional: boolean;
  /** A POST that changes nothing: repeated, it is answered anew. */
  readonly isReadOnly: boolean;
  /** The answers beside the problems that every route can have. */
  readonly answers: Readonly<Record<number, AnswerInfo>>;
  /** A body to try it with. */
  readonly example?: unknown;
  handle(call: AdminCall): Promise<Answer>;
};

type Common<Query extends z.ZodType, Body extends z.ZodType> = Pick<
  AdminRoute,
  'id' | 'method' | 'path' | 'summary' | 'permissions' | 'answers'
> &
  Partial<Pick<AdminRoute, 'media' | 'patches' | 'isConditional' | 'isReadOnly' | 'example' | 'params'>> & {
    readonly query?: Query;
    readonly body?: Body;
  };

/** A route for all realms. */
export function serverRoute<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType>(
  route: Common<Query, Body> & {
    handler(call: AdminCall<z.output<Query>, z.output<Body>>): Promise<Answer>;
  },
): AdminRoute {
  const { handler, ...rest } = route;
  // Lines are read and checked one by one.
  const isLines = route.media === 'application/x-ndjson';
  return {
    tag: 'realms',
    media: 'application/json',
    isConditional: false,
    isReadOnly: false,
    params: {},
    isServerWide: true,
    ...rest,
    handle: (call) =>
      handler({
        ...call,
        query: parsed(route.query, call.query),
        body: parsed(isLines ? undefined : route.body, call.body),
      }),
  };
}

const BELOW = '/admin/v1/realms/:realm';

/** A route of one realm; `path` is below the realm. `realm.name` is no realm of a caller without the permission. */
export function realmRoute<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType>(
  route: Common<Query, Body> & {
    handler(call: RealmCall<z.output<Query>, z.output<Body>>): Promise<Answer>;
  },
): AdminRoute {
  const { handler, path } = route;
  return {
    ...serverRoute({
      ...route,
      handler: async (call) =>
        handler({ ...call, realm: await call.deps.realmOf(call.params['realm'] ?? '') }),
    }),
    path: `${BELOW}${path}`,
    tag: path.split('/')[1] ?? 'realm',
    isServerWide: false,
  };
}

/** Throws `Problem` with a pointer to everything that the schema refuses. */
function parsed<T extends z.ZodType>(schema: T | undefined, value: unknown): z.output<T> {
  const read = (schema ?? z.unknown()).safeParse(value);
  if (read.success) return read.data as z.output<T>;
  throw problemOfFaults(faultsOf(read.error));
}
