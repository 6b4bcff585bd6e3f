/**
 * Reads the body of a protocol request once, before the library does, and hands the library what was read. So there is
 * one reading of every parameter, and a body over the limit is 413 however it was sent.
 */
import type { Context, Middleware } from 'koa';
import { type FormLimits, hasEncodedBody, readBody, readForm, readJson } from '../../http/body.ts';
import { stateOf } from '../../http/request-state.ts';
import { replayBody } from '../library/internals.ts';

/** The library's own limit. */
const MAX_BODY_BYTES = 56 * 1024;

export const FORM = 'application/x-www-form-urlencoded';

/**
 * Values that are looked up, normalised or hashed are short. Tokens, assertions and details may be as long as the
 * body allows.
 */
export const formLimits: FormLimits = {
  maxBytes: MAX_BODY_BYTES,
  longest: {
    client_id: 512,
    client_secret: 1024,
    username: 512,
    password: 4096,
    login_hint: 1024,
    user_code: 128,
  },
};

const none = new URLSearchParams();

/** The parameters of this request's form body; empty when it has none. */
export function formOf({ req }: Pick<Context, 'req'>): URLSearchParams {
  return stateOf(req).form ?? none;
}

/** Replaces the form that was sent, for our code and for the library. */
export function replaceForm({ req }: Pick<Context, 'req'>, form: URLSearchParams): void {
  const body = Buffer.from(form.toString());
  stateOf(req).form = form;
  replayBody(req, body);
  req.headers['content-type'] = FORM;
  req.headers['content-length'] = String(body.length);
}

/**
 * Reads the body and refuses one that is encoded, is too large, has a value that is too long, or JSON that can be read in
 * two ways.
 */
export function readBodies(): Middleware {
  return async function readBodyOf(ctx, next) {
    if (ctx.method !== 'POST' && ctx.method !== 'PUT') return next();
    const problem = hasEncodedBody(ctx.req) ? 'encoded' : await take(ctx);
    return problem === undefined ? next() : refuse(ctx, problem);
  };
}

function refuse(ctx: Context, problem: string): void {
  if (problem === 'encoded') refuseEncodedBody(ctx);
  else if (problem === 'too_large') refuseLargeBody(ctx);
  else refuseBody(ctx, problem);
}

function take(ctx: Context): Promise<string | undefined> {
  return ctx.is(FORM) ? takeForm(ctx) : takeOther(ctx);
}

function refuseBody(ctx: Context, problem: string): void {
  ctx.status = 400;
  ctx.body = { error: 'invalid_request', error_description: problem };
}

/**
 * The problem of a form. `undefined` when the library may read it: then it reads what we have read, whatever the
 * bytes were.
 */
async function takeForm(ctx: Context): Promise<string | undefined> {
  const reading = await readForm(ctx.req, formLimits);
  if ('form' in reading) {
    replaceForm(ctx, reading.form);
    return undefined;
  }
  switch (reading.fault) {
    case 'value_too_long':
      return `${reading.name} is too long`;
    case 'too_many_fields':
      return 'too many parameters';
    case 'too_large':
      return reading.fault;
  }
}

/** Text that is not JSON, or JSON of another type, is refused by the library. */
async function takeOther(ctx: Context): Promise<string | undefined> {
  const body = await readBody(ctx.req, MAX_BODY_BYTES);
  if (body === undefined) return 'too_large';
  replayBody(ctx.req, body);
  if (!ctx.is('application/json')) return undefined;
  const reading = await readJson(ctx.req, MAX_BODY_BYTES);
  return 'fault' in reading && reading.fault === 'repeated_member' ? 'a member is there twice' : undefined;
}

/** RFC 9110 §15.5.16: the field says what is accepted instead. */
function refuseEncodedBody(ctx: Context): void {
  ctx.status = 415;
  ctx.set('Accept-Encoding', 'identity');
  ctx.body = { error: 'invalid_request', error_description: 'send the body without content-encoding' };
}

function refuseLargeBody(ctx: Context): void {
  ctx.status = 413;
  // The rest of the body is still arriving: this connection serves no further request.
  ctx.set('Connection', 'close');
  // RFC 6749 §5.1, for the token endpoint; elsewhere it adds nothing to `Cache-Control`.
  ctx.set('Pragma', 'no-cache');
  ctx.body = { error: 'invalid_request', error_description: 'request body too large' };
}
