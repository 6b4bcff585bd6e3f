/**
 * Limits for what is stored for callers who have shown no credential: a login that begins, a pushed request, a device
 * code, a client that registers itself. Each network has its own number of each, so that nobody is refused for what
 * somebody else sends.
 */
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { networkOfRequest } from '../../http/caller.ts';
import { annotate } from '../../http/request-state.ts';
import { TooMany } from '../../limits/too-many.ts';
import type { Annotations } from '../../observability/annotations.ts';
import { TooManyRequests } from '../library/errors.ts';
import type { RealmContext } from '../realm/realm-context.ts';

type Rule = {
  readonly limit: keyof RealmContext['view']['networkLimits'];
  /** The quota's name in header fields and in the store. */
  readonly name: NonNullable<Annotations['limit']>;
  readonly isStranger: (oidc: KoaContextWithOIDC['oidc']) => boolean;
};

/** By the library's name of what is stored. */
const rules: Readonly<Record<string, Rule>> = {
  Interaction: {
    limit: 'loginsPerMinute',
    name: 'logins',
    // Later writes of the same login come from the pages.
    isStranger: ({ route, session }) => route === 'authorization' && session?.accountId === undefined,
  },
  PushedAuthorizationRequest: {
    limit: 'pushedRequestsPerMinute',
    name: 'pushed-requests',
    isStranger: isPublicClient,
  },
  DeviceCode: { limit: 'deviceCodesPerMinute', name: 'device-codes', isStranger: isPublicClient },
  Client: {
    limit: 'registrationsPerMinute',
    name: 'registrations',
    isStranger: ({ route, entities }) =>
      route === 'registration' && entities.InitialAccessToken === undefined,
  },
};

/** `model` is about to be stored. Rejects with `TooManyRequests` when the network of a stranger has had its share. */
export type AdmitWrite = (model: string) => Promise<void>;

export function limitStrangerWrites({
  name: realm,
  view,
  quotas,
}: Pick<RealmContext, 'name' | 'view' | 'quotas'>): AdmitWrite {
  return async (model) => {
    const rule = rules[model];
    const ctx = Provider.ctx;
    if (rule === undefined || ctx === undefined || !rule.isStranger(ctx.oidc)) return;
    const quota = view.networkLimits[rule.limit];
    if (quota === 'unlimited') return;
    try {
      await quotas.take({ name: rule.name, realm, owner: networkOfRequest(ctx.req) }, quota);
    } catch (error) {
      if (!(error instanceof TooMany)) throw error;
      annotate(ctx.req, { limit: rule.name });
      throw new TooManyRequests(error);
    }
  };
}

function isPublicClient({ client }: KoaContextWithOIDC['oidc']): boolean {
  return client?.clientAuthMethod === 'none';
}
