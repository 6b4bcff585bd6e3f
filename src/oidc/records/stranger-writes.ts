/**
 * Limits for what is stored for callers who have shown no credential: a login that begins, a pushed request, a device
 * code, a client that registers itself. Each network has its own number of each, so that nobody is refused for what
 * somebody else sends.
 */
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { TooMany } from '../../limits/too-many.ts';
import { TooManyRequests } from '../library/errors.ts';
import type { RealmContext } from '../realm/realm-context.ts';
import { type StrangerLimit, takeOfStranger } from '../realm/strangers.ts';

type Rule = {
  readonly limit: StrangerLimit;
  readonly isStranger: (oidc: KoaContextWithOIDC['oidc']) => boolean;
};

/** By the library's name of what is stored. */
const rules: Readonly<Record<string, Rule>> = {
  Interaction: {
    limit: 'logins',
    // Later writes of the same login come from the pages.
    isStranger: ({ route, session }) => route === 'authorization' && session?.accountId === undefined,
  },
  PushedAuthorizationRequest: { limit: 'pushed-requests', isStranger: isPublicClient },
  DeviceCode: { limit: 'device-codes', isStranger: isPublicClient },
  Client: {
    limit: 'registrations',
    isStranger: ({ route, entities }) =>
      route === 'registration' && entities.InitialAccessToken === undefined,
  },
};

/** `model` is about to be stored. Rejects with `TooManyRequests` when the network of a stranger has had its share. */
export type AdmitWrite = (model: string) => Promise<void>;

export function limitStrangerWrites(realm: Pick<RealmContext, 'name' | 'view' | 'quotas'>): AdmitWrite {
  return async (model) => {
    const rule = rules[model];
    const ctx = Provider.ctx;
    if (rule === undefined || ctx === undefined || !rule.isStranger(ctx.oidc)) return;
    try {
      await takeOfStranger(realm, ctx.req, rule.limit);
    } catch (error) {
      throw error instanceof TooMany ? new TooManyRequests(error) : error;
    }
  };
}

function isPublicClient({ client }: KoaContextWithOIDC['oidc']): boolean {
  return client?.clientAuthMethod === 'none';
}
