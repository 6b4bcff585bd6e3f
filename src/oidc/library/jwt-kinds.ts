/**
 * The marks by which the readers of JWTs tell one kind from another (RFC 8725 §3.11, §3.12). Access, logout and status
 * tokens and signed introspection answers name their kind in the header's `typ`; the two kinds of OpenID Connect Core
 * have no `typ` of their own there, and name it in the claim.
 */
import type { JWTHeaderParameters, JWTPayload } from 'jose';

/** The claim `typ`, by the use for which the library signs. */
export const claimedTypes: Readonly<Record<string, string>> = { idtoken: 'ID', userinfo: 'UserInfo' };

type Verified = {
  readonly header: Pick<JWTHeaderParameters, 'typ'>;
  readonly payload: JWTPayload;
};

/** Whether a JWT that this realm has signed is an ID token. */
export function isIdToken({ header, payload }: Verified): boolean {
  return header.typ === undefined && payload['typ'] === claimedTypes['idtoken'];
}
