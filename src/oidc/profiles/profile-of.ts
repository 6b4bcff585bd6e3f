import type { RealmView } from '../../registry/model/realm-view.ts';
import { keycloak } from './keycloak.ts';
import type { Profile } from './profile.ts';
import { strict } from './strict.ts';

const profiles: Readonly<Record<RealmView['profile'], Profile>> = { strict, keycloak };

/** The profile of this name. */
export function profileOf(name: RealmView['profile']): Profile {
  return profiles[name];
}
