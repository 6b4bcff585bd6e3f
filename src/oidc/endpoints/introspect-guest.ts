/** Introspection of guest tokens: the resource server also tells what it saw and what it wants to do. */
import type { Context } from 'koa';
import { errors, type Provider } from 'oidc-provider';
import type { storedGuest } from '../../guest/guests.ts';
import type { GuestAnswer } from '../../guest/introspection/question.ts';
import { annotate, stateOf } from '../../http/request-state.ts';
import type { Client } from '../../registry/model/model.ts';
import { verifyProof } from '../client-auth/dpop.ts';
import { formOf } from '../http/form.ts';
import { guestRealmOf } from '../realm/guest-realm.ts';
import type { RealmContext } from '../realm/realm-context.ts';

/** Who asks, and how it proved who it is. */
export type Asking = {
  readonly client: Client;
  readonly isMutualTls: boolean;
  /** Made only when it is asked for. */
  readonly provider: () => Provider;
};

type Stored = NonNullable<ReturnType<typeof storedGuest>>;

/** No key has this thumbprint: a proof that does not hold is a proof of the wrong key. */
const NO_KEY = 'invalid';

export async function introspectGuest(
  realm: RealmContext,
  ctx: Pick<Context, 'req'>,
  { client: caller, isMutualTls }: Asking,
  guest: Stored,
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
      jkt: await presentedKey(form),
      dryRun: form.get('dry_run') === 'true',
    },
  );
  if (!answer.active && answer.guest_reason !== undefined) annotate(ctx.req, { reason: answer.guest_reason });
  return answer;
}

/**
 * The key whose proof the resource server was shown (RFC 9449 §4.3, §7.1): for its method and address, and for this
 * very token. That a proof is used once only who was shown it can tell.
 */
async function presentedKey(form: URLSearchParams): Promise<string | undefined> {
  const proof = form.get('dpop');
  if (proof === null) return undefined;
  const [method, address] = [form.get('htm') ?? '', form.get('htu') ?? ''];
  try {
    const { jkt } = await verifyProof(proof, { method, address, accessToken: form.get('token') ?? '' });
    return jkt;
  } catch (error) {
    if (error instanceof errors.InvalidDpopProof) return NO_KEY;
    throw error;
  }
}
