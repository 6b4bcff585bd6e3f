/** The lifetimes of the library's records and tokens, in seconds. */
import type {
  Configuration,
  KoaContextWithOIDC,
  Client as LibraryClient,
  RefreshToken,
  Session,
} from 'oidc-provider';
import { epochSeconds } from '../../base/clock.ts';
import type { RealmContext } from './realm-context.ts';

export function lifetimesOf(realm: Pick<RealmContext, 'view' | 'clock'>): NonNullable<Configuration['ttl']> {
  const { lifetimes } = realm.view;
  const now = () => epochSeconds(realm.clock);

  /** The idle life from now, at most the rest of the absolute life. */
  const within = (idle: number, start: number | undefined, max: number): number =>
    Math.max(1, Math.min(idle, (start ?? now()) + max - now()));

  function refreshToken(_ctx: KoaContextWithOIDC, token: RefreshToken, _client: LibraryClient): number {
    if (token.scopes.has('offline_access')) {
      return within(lifetimes.offlineIdle, token.iiat, lifetimes.offlineMax);
    }
    const idle = within(lifetimes.refreshTokenIdle, token.iiat, lifetimes.refreshTokenMax);
    return within(idle, token.authTime, lifetimes.sessionMax);
  }

  return {
    AccessToken: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? lifetimes.accessToken,
    ClientCredentials: (_ctx, token) => token.resourceServer?.accessTokenTTL ?? lifetimes.accessToken,
    AuthorizationCode: lifetimes.authorizationCode,
    BackchannelAuthenticationRequest: lifetimes.cibaRequest,
    DeviceCode: lifetimes.deviceCode,
    Grant: Math.max(lifetimes.offlineMax, lifetimes.refreshTokenMax, lifetimes.sessionMax),
    IdToken: lifetimes.idToken,
    Interaction: lifetimes.login,
    RefreshToken: refreshToken,
    // Before a login the session holds only what a form needs.
    Session: (_ctx: KoaContextWithOIDC, session: Session) =>
      session.accountId === undefined
        ? lifetimes.login
        : within(lifetimes.sessionIdle, session.loginTs, lifetimes.sessionMax),
  };
}
