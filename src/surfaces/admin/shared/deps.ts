/** What the admin API is built with. */
import type { AuditLog } from '../../../audit/audit-log.ts';
import type { Lockout } from '../../../authn/lockout.ts';
import type { PasswordLinks } from '../../../authn/password-links.ts';
import type { Background } from '../../../base/background.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Guests } from '../../../guest/guests.ts';
import type { KeyRing } from '../../../keys/key-ring.ts';
import type { EventSink } from '../../../observability/events.ts';
import type { Logger } from '../../../observability/logger.ts';
import type { ProviderPool } from '../../../oidc/provider/provider-pool.ts';
import type { RealmView } from '../../../registry/model/realm-view.ts';
import type { Passwords } from '../../../registry/passwords/passwords.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { ChangeLog } from '../../../registry/store/change-log.ts';
import type { Seal } from '../../../registry/store/records.ts';
import type { Store } from '../../../storage/port/port.ts';
import type { Tagger } from './etag.ts';
import type { Fault } from './faults.ts';

export type AdminDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventSink;
  readonly background: Background;
  readonly registry: Registry;
  readonly passwords: Passwords;
  readonly passwordLinks: PasswordLinks;
  readonly lockout: Lockout;
  readonly guests: Guests;
  readonly keyRing: KeyRing;
  readonly changeLog: ChangeLog;
  readonly audit: Pick<AuditLog, 'search'>;
  readonly seal: Seal;
  readonly pool: ProviderPool;
  readonly publicUrl: string;
  /** The realm whose administrators see all realms; it need not exist. */
  readonly adminRealm: string;
  readonly tag: Tagger;
  /** Everything that is wrong with a realm as a file would have it, clients and users included. */
  checkRealm(document: object): readonly Fault[];
  /** Rejects with `Problem('not_found')`. */
  realmOf(name: string): Promise<RealmView>;
};
