/** What an explanation is made from. It reads, and writes nothing. */
import type { AuditLog } from '../audit/audit-log.ts';
import type { Lockout } from '../authn/lockout.ts';
import type { Clock } from '../base/clock.ts';
import type { Guests } from '../guest/guests.ts';
import type { GuestRealm } from '../guest/limits/guest-realm.ts';
import type { RealmView } from '../registry/model/realm-view.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store } from '../storage/port/port.ts';

export type ExplainDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly lockout: Lockout;
  readonly guests: Guests;
  readonly audit: Pick<AuditLog, 'search'>;
  readonly realm: RealmView;
  /** The realm as guest tokens see it; absent for a disabled realm. */
  readonly guestRealm: GuestRealm | undefined;
};
