/**
 * Refusals of JSON APIs as RFC 9457 problem details. The codes are closed, and the `type` of a code never changes.
 * What a code means for guest tokens is in docs/guest-tokens.md.
 */
import type { Context } from 'koa';
import { Failure, type FailureCode } from '../base/errors.ts';
import { TooMany, waitFields } from '../limits/too-many.ts';
import { annotate } from './request-state.ts';
import type { RouteFault } from './routes.ts';

/** Every code with its status and title. */
export const problemKinds = {
  invalid_request: { status: 400, title: 'The request is malformed' },
  use_dpop_nonce: { status: 400, title: 'The proof is to be repeated with the nonce of the answer' },
  invalid_client: { status: 401, title: 'The caller is not authenticated' },
  invalid_token: { status: 401, title: 'The access token is missing or does not count here' },
  insufficient_scope: { status: 403, title: 'The access token lacks the permission' },
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
  precondition_failed: { status: 412, title: 'It has been changed since it was read' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body is not plain JSON' },
  precondition_required: { status: 428, title: 'A change says which version it changes' },
  too_many_requests: { status: 429, title: 'More than may be in this time' },
  not_implemented: { status: 501, title: 'This is not offered' },
  temporarily_unavailable: { status: 503, title: 'The service cannot be reached, try again' },
} as const;

export type ProblemCode = keyof typeof problemKinds;

type Headers = Readonly<Record<string, string>>;

/** One thing that is wrong with a request: a code, where (RFC 6901) and why. */
export type ProblemFault = { readonly code: string; readonly pointer: string; readonly message: string };

/** Thrown by the routes, answered at one place. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly faults: readonly ProblemFault[];
  readonly headers: Headers;

  constructor(
    code: ProblemCode,
    detail: string,
    more: { readonly faults?: readonly ProblemFault[]; readonly headers?: Headers } = {},
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
  const { status, title } = problemKinds[code];
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
  return problemKinds[code].status;
}

const codeOf = {
  invalid_input: 'invalid_request',
  not_found: 'not_found',
  conflict: 'conflict',
  // The parent of the token died meanwhile.
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

/** Lets a handler answer a call; an expected failure of it becomes the answer. */
export async function withProblems<Call extends { readonly ctx: Context }>(
  call: Call,
  handler: (call: Call) => Promise<void> | void,
): Promise<void> {
  try {
    await handler(call);
  } catch (error) {
    const problem = problemFor(error);
    if (problem === undefined) throw error;
    answerProblem(call.ctx, problem);
  }
}

/** The refusals of a surface that answers with problems, for a request that none of its routes takes. */
export function refuseWithProblem(ctx: Context, { kind }: RouteFault): void {
  const [code, detail] = routeFaults[kind];
  answerProblem(ctx, new Problem(code, detail));
}

const routeFaults = {
  method_not_allowed: ['method_not_allowed', 'the method is not for this address'],
  bad_address: ['invalid_request', 'the address is malformed'],
  encoded_body: ['unsupported_media_type', 'send the body without content-encoding'],
} as const satisfies Record<RouteFault['kind'], readonly [ProblemCode, string]>;

/** The same for a realm that cannot be read at the moment. */
export function tellOutageAsProblem(ctx: Context): void {
  const headers = { 'Retry-After': '1' };
  answerProblem(ctx, new Problem('temporarily_unavailable', 'the service is busy, try again', { headers }));
}

function answerProblem(ctx: Context, problem: Problem): void {
  annotate(ctx.req, { outcome: problem.code });
  ctx.status = statusOf(problem);
  ctx.body = JSON.stringify(problemBody(problem));
  ctx.type = 'application/problem+json';
  ctx.set({ ...problem.headers });
}
