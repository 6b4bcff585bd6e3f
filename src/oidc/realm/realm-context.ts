import type { Authenticator } from '../../authn/authenticator.ts';
import type { PasswordLinks } from '../../authn/password-links.ts';
import type { Background } from '../../base/background.ts';
import type { Clock } from '../../base/clock.ts';
import type { Guests } from '../../guest/guests.ts';
import type { RealmKeys } from '../../keys/key-ring.ts';
import type { BruteForceGuard } from '../../limits/brute-force.ts';
import type { Quotas } from '../../limits/quotas.ts';
import type { EventSink } from '../../observability/events.ts';
import type { Logger } from '../../observability/logger.ts';
import type { Api, Client } from '../../registry/model/model.ts';
import type { RealmView } from '../../registry/model/realm-view.ts';
import type { Passwords } from '../../registry/passwords/passwords.ts';
import type { Registry } from '../../registry/registry.ts';
import type { Store } from '../../storage/port/port.ts';
import type { Profile } from '../profiles/profile.ts';

/** What every realm's provider is built with. */
export type OidcDeps = {
  readonly store: Store;
  readonly registry: Registry;
  readonly authenticator: Authenticator;
  readonly passwords: Passwords;
  readonly passwordLinks: PasswordLinks;
  readonly guests: Guests;
  readonly bruteForce: BruteForceGuard;
  readonly quotas: Quotas;
  readonly clock: Clock;
  readonly background: Background;
  readonly logger: Logger;
  readonly events: EventSink;
  /** Public base without a trailing slash; every address ever written starts with it. */
  readonly publicUrl: string;
  readonly clientCertHeader: string;
  readonly clientCertVerifiedHeader?: string | undefined;
  readonly allowPrivateFetch: boolean;
};

/** One revision of one realm: immutable; a change makes a new one. */
export type RealmContext = OidcDeps & {
  readonly name: string;
  readonly issuer: string;
  readonly view: RealmView;
  readonly profile: Profile;
  readonly keys: RealmKeys;
  /**
   * The API of a token when the request names no resource (RFC 8707 §2): the default API, or else the realm itself.
   */
  readonly defaultApi: Api;
  /** Every permission name of every API: what exists, granted or not. */
  readonly permissionNames: ReadonlySet<string>;
  apiOf(audience: string): Api | undefined;
  /** A client of the registry, or one of the server's own (internal-clients.ts). */
  findClient(id: string): Promise<Client | undefined>;
};

/** A realm without APIs still gives every token an audience: its own issuer. */
export function realmApi(issuer: string, { accessTokens }: Pick<Profile, 'accessTokens'>): Api {
  return { id: 'realm', audience: issuer, permissions: [], tokens: { format: accessTokens.format } };
}
