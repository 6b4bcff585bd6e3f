/**
 * Calls of the admin API by the names of its operations. The same commands work on a store, where the handlers of the
 * routes are called in this process, and on a running server over HTTP.
 */
import { Failure } from '../../base/errors.ts';

/** A thing as the admin API shows it. */
export type Shown = Readonly<Record<string, unknown>>;

export type AdminRequest = {
  /** Members of the path. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
};

export type AdminCalls = {
  /**
   * Resolves to the body of the answer. Rejects with `Failure` or `Problem` for a refusal. A change is made to whatever
   * version is there.
   */
  call(operation: string, request?: AdminRequest): Promise<Shown>;
  /** By user name or e-mail address. Rejects with `Failure('not_found')`. */
  userOf(realm: string, login: string): Promise<Shown & { readonly id: string }>;
};

/** Members of a page of a list. */
const PAGE = '200';

/** Every item of a list, read page by page. */
export async function* everyItem(
  admin: Pick<AdminCalls, 'call'>,
  operation: string,
  { query, ...request }: AdminRequest = {},
): AsyncGenerator<Shown> {
  let cursor: string | undefined;
  do {
    const page = { ...query, limit: PAGE, ...(cursor !== undefined && { cursor }) };
    const { items, next } = await admin.call(operation, { ...request, query: page });
    yield* Array.isArray(items) ? items : [];
    cursor = typeof next === 'string' ? next : undefined;
  } while (cursor !== undefined);
}

export function noUser(login: string): Failure {
  return new Failure('not_found', `user "${login}" does not exist`);
}
