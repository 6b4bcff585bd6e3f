import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import { consentModeOf } from './consents.ts';
import type { RealmContext } from './realm-context.ts';

/**
 * When a person must be asked. The library's rules, but for native clients: they are asked each time (RFC 8252
 * §8.6: nothing proves which program listens on a loopback port) unless the operator vouches for the client.
 */
export function interactionPolicyOf(realm: RealmContext): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const consent = policy.get('consent');
  if (consent === undefined) throw new Error('the library has no consent prompt');
  const original = consent.checks.get('native_client_prompt');
  if (original === undefined) throw new Error('the library has no native client check');
  const check = original.check;
  original.check = async (ctx: KoaContextWithOIDC) => {
    const clientId = ctx.oidc.client?.clientId;
    const registered = clientId && (await realm.findClient(clientId));
    return registered && consentModeOf(registered) === 'none' ? false : check(ctx);
  };
  return policy;
}
