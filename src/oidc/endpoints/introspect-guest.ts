/**
 * Introspection of guest tokens: the resource server also says what it saw of the request, and what the guest wants
 * to do.
 */

import type { Context } from 'koa';
import { errors, type Provider } from 'oidc-provider';
import type { GuestAnswer, GuestQuestion } from '../../guest/introspection/question.ts';
import type { StoredGuest } from '../../guest/record/guest-record.ts';
import { annotate, stateOf } from '../../http/request-state.ts';
import type { Client } from '../../registry/model/model.ts';
import { formOf } from '../http/form.ts';
import { nonceFor, readProof } from '../proofs/dpop.ts';
import { guestRealmOf } from '../realm/guest-realm.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** The caller, and how it authenticated. */
export type Asking = {
  readonly client: Client;
  readonly isMutualTls: boolean;
  /** The library's provider, built only when it is needed. */
  readonly provider: () => Provider;
};

/** No key has this thumbprint: an invalid proof counts as a proof of a wrong key. */
const NO_KEY = 'invalid';

export async function introspectGuest(
  realm: RealmContext,
  ctx: Pick<Context, 'req'>,
  { client: caller, isMutualTls }: Asking,
  guest: StoredGuest,
): Promise<GuestAnswer> {
  const form = formOf(ctx);
  const text = (name: string) => form.get(name) ?? undefined;
  const apis = realm.view.apis.filter((api) => caller.introspects.includes(api.id));
  const answer = await realm.guests.introspect(
    guestRealmOf(realm),
    guest,
    {
      clientId: caller.id,
      audiences: new Set(apis.map((api) => api.audience)),
      isMutualTls,
      requestSource: stateOf(ctx.req).source,
    },
    {
      resource: text('resource'),
      action: text('action'),
      origin: text('origin'),
      ip: text('ip'),
      'x5t#S256': text('x5t#S256'),
      ...(await presentedProof(realm, form)),
      dryRun: form.get('dry_run') === 'true',
    },
  );
  if (!answer.active && answer.guest_reason !== undefined) annotate(ctx.req, { reason: answer.guest_reason });
  const needsNonce = !answer.active && answer.guest_reason === 'use_dpop_nonce';
  return needsNonce ? { ...answer, dpop_nonce: nonceFor(realm) } : answer;
}

/**
 * The proof that the resource server was shown (RFC 9449 §4.3, §7.1), for the resource server's method and address
 * and for this very token. Only the resource server can tell whether the proof was used before, and whether a nonce
 * that the realm does not know is the resource server's own.
 */
async function presentedProof(
  realm: Pick<RealmContext, 'clock' | 'keys'>,
  form: URLSearchParams,
): Promise<Pick<GuestQuestion, 'jkt' | 'isStale'>> {
  const proof = form.get('dpop');
  if (proof === null) return {};
  const [method, address] = [form.get('htm') ?? '', form.get('htu') ?? ''];
  try {
    const target = { method, address, accessToken: form.get('token') ?? '' };
    const { jkt, age } = await readProof(realm, proof, target);
    return { jkt, isStale: !age.isRecent && age.nonce !== 'issued' };
  } catch (error) {
    if (error instanceof errors.InvalidDpopProof) return { jkt: NO_KEY };
    throw error;
  }
}
