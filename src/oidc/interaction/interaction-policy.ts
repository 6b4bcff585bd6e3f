/**
 * When a person must be asked: the library's rules, and what differs here.
 */
import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { reachableLevels } from '../../authn/authentication-context.ts';
import type { Client } from '../../registry/model/model.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { consentModeOf } from '../records/consents.ts';

const { Check, Prompt } = interactionPolicy;

export function interactionPolicyOf(
  realm: Pick<RealmContext, 'view' | 'findClient'>,
): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  // OIDC Core §3.1.2.1: a signed-in person may continue as somebody else. The login page serves for that.
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0);
  spareTrustedNativeClients(realm, checkOf(policy, 'consent', 'native_client_prompt'));
  policy.get('consent')?.checks.add(askEveryTime(realm));
  for (const reason of ['essential_acr', 'essential_acrs']) {
    failWhatNoLoginGives(realm, checkOf(policy, 'login', reason));
  }
  return policy;
}

function checkOf(policy: interactionPolicy.DefaultPolicy, prompt: string, reason: string) {
  const check = policy.get(prompt)?.checks.get(reason);
  if (check === undefined) throw new Error(`the library has no check ${reason}`);
  return check;
}

/**
 * The person is asked each time for a native client (RFC 8252 §8.6: nothing proves which program listens on a
 * loopback port), unless the operator vouches for the client.
 */
function spareTrustedNativeClients(
  realm: Pick<RealmContext, 'findClient'>,
  native: interactionPolicy.Check,
): void {
  const { check } = native;
  native.check = async (ctx) => {
    const client = await clientOf(realm, ctx);
    return client !== undefined && consentModeOf(client) === 'none' ? false : check(ctx);
  };
}

function askEveryTime(realm: Pick<RealmContext, 'findClient'>): interactionPolicy.Check {
  return new Check('always_asked', 'the client asks every time', 'consent_required', async (ctx) => {
    const client = await clientOf(realm, ctx);
    const isAsked = client !== undefined && consentModeOf(client) === 'always';
    return isAsked && ctx.oidc.result?.consent === undefined;
  });
}

/** OIDC Core §5.5.1.1: an essential `acr` that cannot be had is a failed login, not one to be tried for ever. */
function failWhatNoLoginGives(realm: Pick<RealmContext, 'view'>, essential: interactionPolicy.Check): void {
  const { check } = essential;
  const reachable = reachableLevels(realm.view.acrValues);
  essential.check = async (ctx) => {
    const isMissing = await check(ctx);
    if (isMissing && !wantedAcrs(ctx).some((acr) => reachable.has(acr))) {
      throw new errors.UnmetAuthenticationRequirements('the requested acr cannot be obtained');
    }
    return isMissing;
  };
}

function wantedAcrs(ctx: KoaContextWithOIDC): readonly unknown[] {
  const wanted = ctx.oidc.claims.id_token?.['acr'];
  return [wanted?.value, ...(wanted?.values ?? [])];
}

function clientOf(
  realm: Pick<RealmContext, 'findClient'>,
  ctx: KoaContextWithOIDC,
): Promise<Client | undefined> {
  return realm.findClient(ctx.oidc.client?.clientId ?? '');
}
