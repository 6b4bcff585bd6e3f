import type { Context } from 'koa';
import { Failure } from '../../../base/errors.ts';
import { readBody } from '../../../http/body.ts';

const MAX_FORM_BYTES = 64 * 1024;

/** The fields of a posted form, each at most once. Rejects with `Failure('invalid_input')` for anything else. */
export async function readForm(ctx: Context): Promise<ReadonlyMap<string, string>> {
  const type = ctx.is('application/x-www-form-urlencoded');
  const body = type === false ? undefined : await readBody(ctx.req, MAX_FORM_BYTES);
  if (body === undefined) throw new Failure('invalid_input', 'a form was expected');
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (fields.has(name)) throw new Failure('invalid_input', 'a field was sent twice');
    fields.set(name, value);
  }
  return fields;
}
