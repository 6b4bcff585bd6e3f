import type { Context } from 'koa';
import { findUnreadable } from '../../../guest/grant/refusal.ts';
import { readJson } from '../../../http/body.ts';
import { Problem } from '../../../http/problem.ts';
import { problemOfFaults } from './faults.ts';

/** A client with a thousand redirect URIs has room. A larger realm is made part by part. */
const MAX_BODY_BYTES = 64 * 1024;

/** The JSON body, whichever of the two media types it is sent as (RFC 8259, RFC 7396). */
export async function readBody(ctx: Context): Promise<unknown> {
  if (ctx.is('application/json', 'application/merge-patch+json') === false) {
    throw new Problem('unsupported_media_type', 'send application/json');
  }
  const reading = await readJson(ctx.req, MAX_BODY_BYTES);
  if ('value' in reading) return readable(reading.value);
  switch (reading.fault) {
    case 'too_large':
      // The rest of the body is still arriving: this connection serves no further request.
      throw new Problem('body_too_large', 'at most 64 KiB', { headers: { Connection: 'close' } });
    case 'not_json':
      throw new Problem('invalid_request', 'the body is not JSON in UTF-8');
    case 'repeated_member':
      throw problemOfFaults([{ path: reading.path, message: 'is there twice' }]);
  }
}

/** Nested so deep that a reader which recurses would run out of stack, or with a member that would be dropped. */
function readable(value: unknown): unknown {
  const fault = findUnreadable(value);
  if (fault !== undefined) throw problemOfFaults([fault]);
  return value;
}
