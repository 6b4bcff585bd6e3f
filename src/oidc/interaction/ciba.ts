/**
 * CIBA in poll mode (OpenID CIBA Core §5): a client asks, the person approves at the account page.
 */
import {
  type Account,
  type BackchannelAuthenticationRequest,
  type CIBAConfiguration,
  errors,
  type KoaContextWithOIDC,
} from 'oidc-provider';
import { sha256 } from '../../base/hash.ts';
import type { Key } from '../../storage/port/port.ts';
import type { RealmContext } from '../realm/realm-context.ts';

const BINDING_MESSAGE = /^[\p{L}\p{N}\p{P}\p{Zs}]{1,64}$/u;

/** Hashes of the requests that wait for a user. */
export function pendingRequestsOf(realm: string, userId: string): Key {
  return { realm, kind: 'ciba-of', id: userId };
}

export function cibaFeature(realm: Pick<RealmContext, 'name' | 'store' | 'registry'>): CIBAConfiguration {
  async function processLoginHint(_ctx: KoaContextWithOIDC, hint = ''): Promise<string | undefined> {
    const found = await realm.registry.findUserByLogin(realm.name, hint);
    return found?.user.enabled === true ? found.user.id : undefined;
  }

  async function triggerAuthenticationDevice(
    _ctx: KoaContextWithOIDC,
    request: BackchannelAuthenticationRequest,
    account: Account,
  ): Promise<void> {
    const ttl = request.expiration;
    const member = sha256(request.jti);
    await realm.store.commit([{ index: pendingRequestsOf(realm.name, account.accountId), member, ttl }]);
  }

  return {
    enabled: true,
    deliveryModes: ['poll' as const],
    processLoginHint,
    processLoginHintToken: () =>
      Promise.reject(new errors.InvalidRequest('login_hint_token is not supported')),
    triggerAuthenticationDevice,
    validateBindingMessage,
    validateRequestContext,
    verifyUserCode,
  };
}

async function validateBindingMessage(_ctx: KoaContextWithOIDC, message?: string): Promise<void> {
  if (message !== undefined && !BINDING_MESSAGE.test(message)) {
    throw new errors.InvalidBindingMessage(
      'binding_message must be at most 64 letters, digits and punctuation',
    );
  }
}

async function validateRequestContext(_ctx: KoaContextWithOIDC, context?: string): Promise<void> {
  if (context !== undefined) throw new errors.InvalidRequest('request_context is not supported');
}

async function verifyUserCode(_ctx: KoaContextWithOIDC, _account: Account, userCode?: string): Promise<void> {
  if (userCode !== undefined) throw new errors.InvalidRequest('user_code is not supported');
}
