/** The OpenAPI 3.1 document of the admin API, from the routes themselves. Pure. */
import { z } from 'zod';
import { version } from '../../../base/version.ts';
import { problemKinds } from '../../../http/problem.ts';
import { type AdminRoute, type AnswerInfo, isAnsweredOnce } from '../shared/route.ts';

type Json = { readonly [name: string]: unknown };

/** `url`: the public address of the server. */
export function openApiOf(routes: readonly AdminRoute[], url: string): Json {
  const byPath = Map.groupBy(routes, ({ path }) => readable(path));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Daypass admin API',
      version,
      description:
        'Administration of realms. A call shows an access token for `urn:daypass:admin` (RFC 6750), issued by the ' +
        "realm of the address or by the administrators' realm. Every change names the version it changes (`If-Match`).",
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url }],
    security: [{ bearer: [] }],
    paths: Object.fromEntries(
      [...byPath].map(([path, ofPath]) => [
        path,
        Object.fromEntries(ofPath.map((route) => [route.method.toLowerCase(), operationOf(route)])),
      ]),
    ),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: Object.fromEntries(Object.entries(problems).map(([name, one]) => [name, one.response])),
      schemas: { Problem: problemSchema },
    },
  };
}

/** `/a/{b}`, as OpenAPI writes parameters. */
export function readable(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

function operationOf(route: AdminRoute): Json {
  const { id, summary, tag, permissions, body, patches, media, example, answers } = route;
  const parameters = parametersOf(route);
  return {
    operationId: id,
    summary,
    description: `Needs ${permissions.map((name) => `\`daypass:${name}\``).join(' or ')}.`,
    tags: [tag],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: {
        required: true,
        content: {
          [media]: {
            schema: patches === undefined ? schemaOf(body, 'input') : patchSchemaOf(patches),
            ...(example !== undefined && { example }),
          },
        },
      },
    }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, answerOf(answer, media)]),
      ),
      ...Object.fromEntries(problemsOf(route).map(({ status, ref }) => [status, { $ref: ref }])),
    },
  };
}

function answerOf({ description, schema }: AnswerInfo, media: AdminRoute['media']): Json {
  if (schema === undefined) return { description };
  const type = media === 'application/x-ndjson' ? media : 'application/json';
  return {
    description,
    headers: { ETag: { description: 'The version (RFC 9110 §8.8.3).', schema: { type: 'string' } } },
    content: { [type]: { schema: schemaOf(schema, 'output') } },
  };
}

function parametersOf(route: AdminRoute): readonly Json[] {
  const { path, params, query, isConditional } = route;
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name);
  return [
    ...names.map((name) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string', minLength: 1, ...(params[name] && { pattern: params[name].source }) },
    })),
    ...queryParametersOf(query),
    ...(isConditional
      ? [header('If-Match', 'The `ETag` of what was read, or `*` (RFC 9110 §13.1.1).', true)]
      : []),
    ...(isAnsweredOnce(route)
      ? [header('Idempotency-Key', 'A repetition with the same key has the same answer, for a day.', false)]
      : []),
  ];
}

function queryParametersOf(query: z.ZodType | undefined): readonly Json[] {
  if (!(query instanceof z.ZodObject)) return [];
  return Object.entries(query.shape).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !(schema instanceof z.ZodOptional || schema instanceof z.ZodDefault),
    schema: schemaOf(schema as z.ZodType, 'output'),
  }));
}

function header(name: string, description: string, required: boolean): Json {
  return { name, in: 'header', description, required, schema: { type: 'string' } };
}

/** Zod's own conversion. What JSON Schema cannot say is checked by the server all the same. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, $defs: __, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return portable(rest);
}

/**
 * Without what others cannot read. The only thing that Zod refers to is "any JSON", which JSON Schema says by an empty
 * schema. Unicode properties are for engines in Unicode mode alone.
 */
function portable<T>(value: T): T {
  if (Array.isArray(value)) return value.map(portable) as T;
  if (typeof value !== 'object' || value === null) return value;
  if ('$ref' in value) return {} as T;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, member]) => !(name === 'pattern' && String(member).includes('\\p{')))
      .map(([name, member]) => [name, portable(member)]),
  ) as T;
}

/** What can be sent to change a thing: only those members that are to change (RFC 7396). */
function patchSchemaOf(schema: z.ZodType): Json {
  const { required: _, ...rest } = schemaOf(schema, 'input');
  return { ...rest, description: 'Any part of it. `null` removes a member (RFC 7396).' };
}

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457.',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(problemKinds) },
    detail: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'detail'],
        properties: {
          pointer: { type: 'string', description: 'RFC 6901.' },
          code: { type: 'string' },
          detail: { type: 'string' },
        },
      },
    },
  },
};

function problem(description: string): { readonly response: Json } {
  const schema = { $ref: '#/components/schemas/Problem' };
  return { response: { description, content: { 'application/problem+json': { schema } } } };
}

const problems = {
  400: problem('Something in it is wrong; `errors` tell where.'),
  401: problem('No token that counts here.'),
  403: problem('The token lacks the permission, or more would be given than the caller has.'),
  404: problem('There is no such thing.'),
  409: problem('It contradicts what is there.'),
  412: problem('It has been changed since it was read.'),
  413: problem('The body is too large.'),
  415: problem('The body is of another media type.'),
  428: problem('`If-Match` is missing.'),
  503: problem('The store cannot be reached: try again.'),
} as const;

type ProblemStatus = keyof typeof problems;

function problemsOf({ method, path, body, isConditional }: AdminRoute) {
  const changes = method !== 'GET';
  const statuses: readonly ProblemStatus[] = [
    400,
    401,
    403,
    ...(path.includes(':') ? ([404] as const) : []),
    ...(changes ? ([409] as const) : []),
    ...(isConditional ? ([412] as const) : []),
    ...(changes && body !== undefined ? ([413, 415] as const) : []),
    ...(isConditional ? ([428] as const) : []),
    503,
  ];
  return statuses.map((status) => ({ status, ref: `#/components/responses/${status}` }));
}
