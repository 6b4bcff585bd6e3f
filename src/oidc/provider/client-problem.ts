/** What the library has against a client of a realm file, in the words and names of realm files. */
import { errors, type Provider } from 'oidc-provider';
import type { Client } from '../../registry/model/model.ts';
import { toMetadata } from '../clients/client-metadata.ts';
import { clientFault, clientFaults } from '../library/messages.ts';
import type { Template } from '../library/template.ts';
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

/** In the order in which they are tried: the first that fits counts. */
const wordings: readonly (readonly [Template, (value: string) => string])[] = [
  [
    clientFaults.neededWith,
    (other) => `is needed where ${inFiles(other)} is given: add it, or leave ${inFiles(other)} out`,
  ],
  [clientFaults.needed, () => 'is needed for this client: add it'],
  [clientFaults.impossible, () => 'is not possible for this client: leave it out'],
  [clientFaults.impossibleList, () => 'is not possible for this client: leave it out'],
  [
    clientFaults.noAddress,
    (kind) => `must be an absolute ${kind === 'https' ? 'https' : 'http or https'} address`,
  ],
  [clientFaults.notOneOf, (choice) => `must be one of ${listed(choice)}`],
  [clientFaults.notAllOf, (choice) => `can only have ${listed(choice)}`],
];

const wholes: ReadonlyMap<string, string> = new Map([
  [clientFault.needsKeys, 'needs jwks or jwksUri: keys that it signs with, or that answers are encrypted to'],
  [clientFault.twoProofs, 'either dpopBoundAccessTokens or tlsClientCertificateBoundAccessTokens, not both'],
]);

function worded(text: string): ClientProblem {
  const whole = wholes.get(text);
  if (whole !== undefined) return { member: 'id', message: whole };
  for (const [template, words] of wordings) {
    const [member, value = ''] = template.valuesIn(text) ?? [];
    if (member !== undefined && /^[a-z0-9_]+$/.test(member))
      return { member: inFiles(member), message: words(value) };
  }
  return { member: 'id', message: inFiles(text) };
}

/** Realm files write the names of metadata in camelCase. */
function inFiles(text: string): string {
  return text.replaceAll(/\b[a-z]+(_[a-z0-9]+)+\b/g, (name) =>
    name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
  );
}

/** `'a', 'b', or 'c'` */
function listed(choice: string): string {
  return choice.replaceAll("'", '').replace(/,? or /, ', ');
}
