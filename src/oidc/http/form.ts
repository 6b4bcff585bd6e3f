/**
 * Reads the body of a protocol request once, before the library does, and hands it on unread. So all of our code
 * sees a form's parameters, and a body over the cap is 413 however it was sent.
 */
import type { IncomingMessage } from 'node:http';
import type { Context, Middleware } from 'koa';
import { readBody } from '../../http/body.ts';
import { replayBody } from '../library/internals.ts';
import { protocolStateOf } from './protocol-state.ts';

/** The library's own cap. */
export const MAX_BODY_BYTES = 56 * 1024;

const none = new URLSearchParams();

/** The parameters of this request's form body; empty when it has none. */
export function formOf(ctx: Pick<Context, 'req'>): URLSearchParams {
  return protocolStateOf(ctx).form ?? none;
}

/** Remembers the form of a request that was read by somebody else. */
export function keepForm(request: IncomingMessage, form: URLSearchParams): void {
  protocolStateOf({ req: request }).form = form;
}

/** Goes on with another form in place of the one that was sent. */
export function replaceForm(ctx: Context, form: URLSearchParams): void {
  protocolStateOf(ctx).form = form;
  replayBody(ctx.req, Buffer.from(form.toString()));
  ctx.req.headers['content-length'] = String(Buffer.byteLength(form.toString()));
}

export function readForm(): Middleware {
  return async function readFormBody(ctx, next) {
    if (ctx.method === 'POST' || ctx.method === 'PUT') {
      const body = await readBody(ctx.req, MAX_BODY_BYTES);
      if (body === undefined) return refuseLargeBody(ctx);
      replayBody(ctx.req, body);
      if (ctx.is('application/x-www-form-urlencoded'))
        protocolStateOf(ctx).form = new URLSearchParams(body.toString('utf8'));
    }
    return next();
  };
}

function refuseLargeBody(ctx: Context): void {
  ctx.status = 413;
  // The rest of the body is still on its way: this connection serves nothing more.
  ctx.set('Connection', 'close');
  // RFC 6749 §5.1, for the token endpoint; elsewhere it says nothing that `Cache-Control` does not.
  ctx.set('Pragma', 'no-cache');
  ctx.body = { error: 'invalid_request', error_description: 'request body too large' };
}
