/** What guest tokens need of a realm, and who mints them. */
import type { JWK } from 'jose';
import type { Api, Policy, Quota } from '../../registry/model/model.ts';
import type { Stamp } from '../../storage/port/port.ts';
import type { GuestPolicy } from '../grant/guest-policy.ts';
import type { Mints } from './ceiling.ts';

export type GuestRealm = {
  readonly name: string;
  readonly issuer: string;
  readonly policy: GuestPolicy;
  /** Guest tokens a minute for each client that mints. */
  readonly quota: Quota;
  /** Server-held policies of the realm. */
  readonly policies: readonly Policy[];
  readonly apis: readonly Api[];
  readonly defaultApi: Api;
  /** Whether these roles of a user give this permission (`api:permission`) now. */
  rolesPermit(roles: readonly string[], permission: string): boolean;
  /** Private signing keys; per algorithm the signing one comes first. */
  readonly jwks: readonly JWK[];
  /** 32 bytes; keys for sealing and deriving are made from it. */
  readonly secret: Buffer;
};

/** A client with a ceiling. The section of a facade is one too, under a client id of its own. */
export type Minter = {
  readonly clientId: string;
  readonly ceiling: Mints;
  /** The shortest life it may ask for, in seconds. */
  readonly minTtl: number;
  /** The stamp at which the ceiling was read: if it was narrowed since then, the mint is refused. */
  readonly readAt?: Stamp | undefined;
};

/**
 * Audiences of the APIs that a minter's guest tokens may be for. The first one is meant when a request names none.
 */
export function audiencesOf(realm: GuestRealm, { ceiling }: Minter): readonly string[] {
  if (ceiling.apis === undefined) return [realm.defaultApi.audience];
  return ceiling.apis.flatMap((id) => realm.apis.find((api) => api.id === id)?.audience ?? []);
}
