/**
 * Two protections against forged requests (OWASP ASVS 3.5.1). The first is a signed token in every form, bound to the
 * session or interaction that the form was drawn for, and to the form's purpose. The second is what the browser says
 * about where a request comes from.
 */
import { randomBytes } from 'node:crypto';
import type { Context } from 'koa';
import { equalInConstantTime, hmac } from '../base/hash.ts';

export type Csrf = ReturnType<typeof createCsrf>;

/** `secret`: at least 32 bytes, the same in every process, used for nothing else. */
export function createCsrf(secret: Buffer) {
  if (secret.length < 32) throw new RangeError('a secret has at least 32 bytes');

  function sign(salt: string, id: string, purpose: string): string {
    return hmac(secret, JSON.stringify([salt, purpose, id]));
  }

  /** A token (66 characters) for a form with this `purpose`. It is accepted as long as `id` is. */
  function token(id: string, purpose: string): string {
    // A new text each time, so that compression does not reveal it bit by bit (BREACH).
    const salt = randomBytes(16).toString('base64url');
    return `${salt}.${sign(salt, id, purpose)}`;
  }

  /** Whether `sent` was made by `token` for exactly this. Takes the same time for every wrong text. */
  function matches(sent: unknown, id: string, purpose: string): boolean {
    if (typeof sent !== 'string') return false;
    const [salt = ''] = sent.split('.', 1);
    return equalInConstantTime(sent, `${salt}.${sign(salt, id, purpose)}`);
  }

  return { token, matches };
}

/**
 * False when the browser says that the request comes from somewhere else than `publicOrigin` (`https://host[:port]`).
 * `Sec-Fetch-Site` decides where it is sent (Fetch Metadata §2.4). Browsers leave it out on plain http, and then our
 * pages' `Referrer-Policy: no-referrer` turns `Origin` into `null` (Fetch §3.2): that says nothing, like no header at
 * all, and the token alone decides.
 */
export function sameOrigin(ctx: Pick<Context, 'get'>, publicOrigin: string): boolean {
  const site = ctx.get('Sec-Fetch-Site');
  if (site !== '') return site === 'same-origin';
  const origin = ctx.get('Origin');
  return origin === '' || origin === 'null' || origin === publicOrigin;
}
