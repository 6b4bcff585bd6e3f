import { errors, type Provider } from 'oidc-provider';
import type { Client } from '../../registry/model/model.ts';
import { toMetadata } from '../clients/client-metadata.ts';
import type { RealmContext } from '../realm/realm-context.ts';

export type ClientProblem = { readonly member: string; readonly message: string };

/** What the library's schema of clients has against one; `undefined` when it takes it. Nothing is fetched or stored. */
export function clientChecker(provider: Provider, realm: Pick<RealmContext, 'view'>) {
  return function problemOfClient(client: Client): ClientProblem | undefined {
    try {
      Reflect.construct(provider.Client, [toMetadata(client, realm.view)]);
      return undefined;
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error;
      return worded(error.error_description ?? error.error);
    }
  };
}

/** The library begins with the metadata's name, which realm files write in camelCase. */
function worded(text: string): ClientProblem {
  const camel = text.replaceAll(/\b[a-z]+(_[a-z0-9]+)+\b/g, (name) =>
    name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  );
  const [member = '', ...rest] = camel.split(' ');
  return /^[a-z]+[A-Z]\w*$/.test(member)
    ? { member, message: rest.join(' ') }
    : { member: 'id', message: camel };
}
