/** The realm that the demo runs on, and its clients. */
import type { RealmFile } from '../registry/model/model.ts';

/** As in the realm file, which everybody can read: a demo realm has no secrets. */
export type Credentials = { readonly id: string; readonly secret: string };

export type DemoRealm = {
  readonly name: string;
  /** The name of the host page. */
  readonly portalName: string;
  /** The SaaS backend: mints guest tokens. */
  readonly portal: Credentials;
  /** The analytics API: introspects them. */
  readonly gateway: Credentials;
  /** The public client that the callback page signs people in with; empty when there is none. */
  readonly loginClient: string;
};

/** The first realm marked `demo: true` that has the two confidential clients it takes. */
export function findDemoRealm(files: readonly RealmFile[]): DemoRealm | undefined {
  return files
    .filter(({ demo }) => demo === true)
    .map(demoRealmOf)
    .find((realm) => realm !== undefined);
}

function demoRealmOf({ name, clients = [] }: RealmFile): DemoRealm | undefined {
  const minter = clients.find(({ secret, mints }) => secret !== undefined && mints !== undefined);
  const checker = clients.find(
    ({ secret, introspects = [] }) => secret !== undefined && introspects.length > 0,
  );
  if (minter?.secret === undefined || checker?.secret === undefined) return undefined;
  const login = clients.find(
    ({ public: isPublic, redirectUris = [] }) =>
      isPublic === true && redirectUris.some((uri) => uri.endsWith('/demo/callback')),
  );
  return {
    name,
    portalName: minter.clientName ?? minter.id,
    portal: { id: minter.id, secret: minter.secret },
    gateway: { id: checker.id, secret: checker.secret },
    loginClient: login?.id ?? '',
  };
}
