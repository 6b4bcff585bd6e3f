import type { Context } from 'koa';
import { Failure } from '../../../base/errors.ts';
import { type FormLimits, readForm as readFormBody } from '../../../http/body.ts';

export const pageFormLimits: FormLimits = {
  maxBytes: 64 * 1024,
  longest: {
    csrf: 128,
    username: 512,
    password: 4096,
    current_password: 4096,
    new_password: 4096,
    repeat_password: 4096,
    id: 512,
  },
};

/** Answered with 413, where every other failure of its code is 400. */
export class FormTooLarge extends Failure {
  constructor() {
    super('invalid_input', 'the form is too large');
  }
}

/** The fields of a posted form, each at most once. Rejects with `Failure('invalid_input')` for anything else. */
export async function readForm(ctx: Context): Promise<ReadonlyMap<string, string>> {
  if (!ctx.is('application/x-www-form-urlencoded')) {
    throw new Failure('invalid_input', 'a form was expected');
  }
  const reading = await readFormBody(ctx.req, pageFormLimits);
  if ('form' in reading) return fieldsOf(reading.form);
  if (reading.fault !== 'too_large') throw new Failure('invalid_input', 'a field is too long');
  // The rest of the body is still on its way: this connection serves nothing more.
  ctx.set('Connection', 'close');
  throw new FormTooLarge();
}

function fieldsOf(form: URLSearchParams): ReadonlyMap<string, string> {
  const fields = new Map(form);
  if (fields.size < form.size) throw new Failure('invalid_input', 'a field was sent twice');
  return fields;
}
