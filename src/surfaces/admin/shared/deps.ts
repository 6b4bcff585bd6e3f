/** What the admin API is built with. */
import type { z } from 'zod';
import type { AuditLog } from '../../../audit/audit-log.ts';
import type { Lockout } from '../../../authn/lockout.ts';
import type { PasswordLinks } from '../../../authn/password-links.ts';
import type { Background } from '../../../base/background.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Guests } from '../../../guest/guests.ts';
import { Problem } from '../../../http/problem.ts';
import type { KeyRing } from '../../../keys/key-ring.ts';
import type { EventSink } from '../../../observability/events.ts';
import type { Logger } from '../../../observability/logger.ts';
import type { ProviderPool } from '../../../oidc/provider/provider-pool.ts';
import type { RealmView } from '../../../registry/model/realm-view.ts';
import type { Passwords } from '../../../registry/passwords/passwords.ts';
import type { Registry } from '../../../registry/registry.ts';
import type { ChangeLog } from '../../../registry/store/change-log.ts';
import type { Narrowing } from '../../../registry/store/effects.ts';
import type { Seal } from '../../../registry/store/records.ts';
import type { Figures } from '../../../stats/figures.ts';
import type { Store } from '../../../storage/port/port.ts';
import { createTagger, type Tagger } from './etag.ts';
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
  readonly figures: Pick<Figures, 'read'>;
  readonly changeLog: ChangeLog;
  readonly audit: Pick<AuditLog, 'search'>;
  readonly seal: Seal;
  readonly narrowing: Narrowing;
  readonly pool: ProviderPool;
  readonly publicUrl: string;
  /** The realm whose administrators see all realms; it need not exist. */
  readonly adminRealm: string;
  readonly tag: Tagger;
  /** The embed products, with the schemas of their sections. */
  readonly products: readonly { readonly name: string; readonly schema: z.ZodType }[];
  /** Everything that is wrong with a realm as a file would have it, clients and users included. */
  checkRealm(document: object): readonly Fault[];
  /** Rejects with `Problem('not_found')`. */
  realmOf(name: string): Promise<RealmView>;
};

type Parts = Omit<AdminDeps, 'seal' | 'tag' | 'realmOf' | 'publicUrl' | 'adminRealm'> & {
  readonly settings: Pick<AdminDeps, 'publicUrl' | 'adminRealm'>;
  readonly sealer: Seal;
};

/** The same for callers over HTTP and for the command line. */
export function createAdminDeps(parts: Parts): AdminDeps {
  const { settings, sealer, registry } = parts;
  return {
    ...parts,
    publicUrl: settings.publicUrl,
    adminRealm: settings.adminRealm,
    seal: sealer,
    tag: createTagger(sealer.digest),
    async realmOf(name) {
      const found = await registry.findRealm(name);
      if (found === undefined) throw new Problem('not_found', 'there is no such realm');
      return found;
    },
  };
}
