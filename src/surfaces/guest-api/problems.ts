/** What the JSON API of guest tokens refuses, as RFC 9457 problem details (guest-tokens 7.3). */
import type { Context } from 'koa';
import { Failure, type FailureCode } from '../../base/errors.ts';
import type { Refusal, Refused } from '../../guest/grant/refusal.ts';
import { annotate } from '../../http/request-state.ts';
import { TooMany, waitFields } from '../../limits/too-many.ts';

const kinds = {
  invalid_request: { status: 400, title: 'The request is malformed' },
  invalid_client: { status: 401, title: 'The caller is not authenticated' },
  unauthorized_client: { status: 400, title: 'The client may not mint guest tokens' },
  invalid_target: { status: 400, title: 'The API is not one of this client' },
  invalid_scope: { status: 400, title: 'The scope does not exist or covers nothing' },
  invalid_authorization_details: { status: 400, title: 'The details are refused' },
  access_denied: { status: 403, title: 'More than is allowed was asked for' },
  policy_unresolved: { status: 422, title: 'A policy is unknown or lacks a value' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'The method is not for this address' },
  not_acceptable: { status: 406, title: 'There is no such representation' },
  conflict: { status: 409, title: 'The request contradicts an earlier one' },
  body_too_large: { status: 413, title: 'The body is larger than 64 KiB' },
  unsupported_media_type: { status: 415, title: 'The body is not JSON' },
  too_many_requests: { status: 429, title: 'More than may be in this time' },
  not_implemented: { status: 501, title: 'This is not offered' },
  temporarily_unavailable: { status: 503, title: 'The service cannot be reached, try again' },
} as const;

export type ProblemCode = keyof typeof kinds;

type Headers = Readonly<Record<string, string>>;

/** Thrown by the routes, answered at one place. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly faults: readonly Refusal[];
  readonly headers: Headers;

  constructor(
    code: ProblemCode,
    detail: string,
    more: { readonly faults?: readonly Refusal[]; readonly headers?: Headers } = {},
  ) {
    super(detail);
    this.name = 'Problem';
    this.code = code;
    this.faults = more.faults ?? [];
    this.headers = more.headers ?? {};
  }
}

/** `type` never changes for a code: clients may branch on either. */
export function problemBody({ code, message, faults }: Problem): object {
  const { status, title } = kinds[code];
  return {
    type: `urn:daypass:problem:${code.replaceAll('_', '-')}`,
    title,
    status,
    code,
    detail: message,
    ...(faults.length === 0
      ? {}
      : { errors: faults.map(({ code, pointer, message }) => ({ pointer, code, detail: message })) }),
  };
}

export function statusOf({ code }: Problem): number {
  return kinds[code].status;
}

export function sendProblem(ctx: Context, problem: Problem): void {
  ctx.status = statusOf(problem);
  ctx.body = JSON.stringify(problemBody(problem));
  ctx.type = 'application/problem+json';
  ctx.set({ ...problem.headers });
}

/** The first refusal says what kind of problem it is; all of them are in `errors`. */
export function problemOf({ refused }: Refused): Problem {
  const [first] = refused;
  const code = first?.pointer === '/scope' ? 'invalid_scope' : (first?.code ?? 'invalid_request');
  const where = first === undefined || first.pointer === '' ? '' : `${first.pointer} `;
  return new Problem(code, `${where}${first?.message ?? ''}`, { faults: refused });
}

const codeOf = {
  invalid_input: 'invalid_request',
  not_found: 'not_found',
  conflict: 'conflict',
  // What it was to be made with died between the question and the answer.
  forbidden: 'invalid_client',
  busy: 'temporarily_unavailable',
  too_many_requests: 'too_many_requests',
  unavailable: 'temporarily_unavailable',
} as const satisfies Record<FailureCode, ProblemCode>;

/** The problem for an expected failure; `undefined` for everything else, which is a bug. */
export function problemFor(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (!(error instanceof Failure)) return undefined;
  return new Problem(codeOf[error.code], error.message, { headers: headersOf(error) });
}

function headersOf(failure: Failure): Headers {
  if (failure instanceof TooMany) return waitFields(failure);
  if (failure.code === 'forbidden') return { 'WWW-Authenticate': 'Bearer error="invalid_token"' };
  return codeOf[failure.code] === 'temporarily_unavailable' ? { 'Retry-After': '1' } : {};
}

/** Does the work of a request; an expected failure of it becomes its answer. */
export async function withProblems(ctx: Context, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const problem = problemFor(error);
    if (problem === undefined) throw error;
    annotate(ctx.req, { outcome: problem.code });
    sendProblem(ctx, problem);
  }
}

export function handlerOf<Handled>(ctx: Context, methods: Readonly<Record<string, Handled>>): Handled {
  const method = ctx.method === 'HEAD' ? 'GET' : ctx.method;
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler !== undefined) return handler;
  // RFC 9110 §15.5.6.
  const headers = { Allow: Object.keys(methods).join(', ') };
  throw new Problem('method_not_allowed', 'the method is not for this address', { headers });
}
