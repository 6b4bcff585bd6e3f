/** How each model of the library is stored: its kind, how long beyond its expiry, and whether it is sealed. */
export type RecordType = {
  readonly kind: string;
  /**
   * Seconds that a record is kept after its expiry, so that "expired" and "used" can be told from "never existed"
   * (RFC 8628 §3.5 `expired_token`; RFC 6749 §4.1.2 replay of a code).
   */
  readonly linger: number;
  /** Hangs under the nodes of its client, user, session and grant. */
  readonly inTree: boolean;
  /** Sealed under its own identifier, because it contains other credentials (`id_token_hint`, cookies). */
  readonly sealed: boolean;
};

const TEN_YEARS = 315_360_000;

const plain = { linger: 0, inTree: false, sealed: false };

export const recordTypes: Readonly<Record<string, RecordType>> = {
  AccessToken: { ...plain, kind: 't', inTree: true },
  ClientCredentials: { ...plain, kind: 't', inTree: true },
  RefreshToken: { ...plain, kind: 't', inTree: true, linger: 600 },
  AuthorizationCode: { ...plain, kind: 'code', inTree: true, linger: 600 },
  DeviceCode: { ...plain, kind: 'device', inTree: true, linger: 600 },
  BackchannelAuthenticationRequest: { ...plain, kind: 'ciba', inTree: true, linger: 600 },
  Session: { ...plain, kind: 'session', inTree: true },
  Grant: { ...plain, kind: 'grant', inTree: true },
  Interaction: { ...plain, kind: 'interaction', inTree: true, sealed: true },
  PushedAuthorizationRequest: { ...plain, kind: 'par', sealed: true },
  ReplayDetection: { ...plain, kind: 'replay' },
  InitialAccessToken: { ...plain, kind: 'iat' },
  // The record never expires by itself; what is left of a removed client is deleted some day.
  RegistrationAccessToken: { ...plain, kind: 'rat', linger: TEN_YEARS },
};

export const tokenModels: ReadonlySet<string> = new Set(['AccessToken', 'ClientCredentials', 'RefreshToken']);
