/** Reads a request of a facade: its JSON body and its bearer token. */
import type { Context } from 'koa';
import { findUnreadable } from '../../../guest/grant/refusal.ts';
import { readBody, readJson as readJsonBody } from '../../../http/body.ts';
import type { FacadeError, Trouble } from './facade.ts';

export const MAX_BODY_BYTES = 64 * 1024;

/**
 * `undefined` for a body that is not JSON, or is ambiguous or unsafe. An empty body is `{}` where that is allowed.
 */
export async function readJson(
  ctx: Context,
  say: (trouble: Trouble) => FacadeError,
  { mayBeEmpty = false }: { readonly mayBeEmpty?: boolean } = {},
): Promise<unknown> {
  const bytes = await readBody(ctx.req, MAX_BODY_BYTES);
  if (bytes === undefined) {
    // The rest of the body is still arriving: this connection serves no further request.
    ctx.set('Connection', 'close');
    throw say('body_too_large');
  }
  if (bytes.length === 0 && mayBeEmpty) return {};
  const reading = await readJsonBody(ctx.req, MAX_BODY_BYTES);
  return 'value' in reading && findUnreadable(reading.value) === undefined ? reading.value : undefined;
}

/** RFC 6750 §2.1; `undefined` for anything else. */
export function bearerOf(ctx: Context): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(ctx.get('Authorization'))?.[1];
}
