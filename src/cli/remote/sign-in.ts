/** Signs the command line in at a server by device code (RFC 8628), and keeps its token fresh. */
import { setTimeout } from 'node:timers/promises';
import { type Clock, epochSeconds } from '../../base/clock.ts';
import { Failure } from '../../base/errors.ts';
import { CLI_CLIENT } from '../../oidc/realm/internal-clients.ts';
import { adminApi } from '../../registry/model/built-in-api.ts';
import { cellOf } from '../runtime/output.ts';
import type { Login } from './logins.ts';
import { type Answer, postForm } from './requests.ts';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

type Place = { readonly url: string; readonly realm: string; readonly clock: Clock };

/** What the person needs to know to sign in. */
export type Prompt = { readonly address: string; readonly code: string };

const endpoint = ({ url, realm }: Omit<Place, 'clock'>, name: string) =>
  `${url}/realms/${encodeURIComponent(realm)}/protocol/openid-connect/${name}`;

const scope = adminApi.permissions.map(({ name }) => name).join(' ');

/** `show` is called once. Resolves when the person has agreed, rejects with `Failure` when not, or not in time. */
export async function signIn(place: Place, show: (prompt: Prompt) => void): Promise<Login> {
  const asked = await postForm(endpoint(place, 'auth/device'), {
    client_id: CLI_CLIENT,
    scope,
    resource: adminApi.audience,
  });
  const { device_code: deviceCode, user_code: code, verification_uri: address } = asked.body;
  if (asked.status !== 200 || typeof deviceCode !== 'string') throw refused(place, asked);
  show({ address: cellOf(asked.body['verification_uri_complete'] ?? address), code: cellOf(code) });
  return poll(place, deviceCode, Number(asked.body['interval'] ?? 5));
}

/** RFC 8628 §3.4, §3.5. `interval`: seconds between two questions. */
async function poll(place: Place, deviceCode: string, interval: number): Promise<Login> {
  let pause = interval;
  for (;;) {
    await setTimeout(pause * 1000);
    const answer = await postForm(endpoint(place, 'token'), {
      grant_type: DEVICE,
      client_id: CLI_CLIENT,
      device_code: deviceCode,
      resource: adminApi.audience,
    });
    if (answer.status === 200) return loginOf(place, answer);
    if (answer.body['error'] === 'slow_down') pause += 5;
    else if (answer.body['error'] !== 'authorization_pending') throw refused(place, answer);
  }
}

/** `undefined` when the refresh token counts no longer. */
export async function refresh(place: Place, refreshToken: string): Promise<Login | undefined> {
  const answer = await postForm(endpoint(place, 'token'), {
    grant_type: 'refresh_token',
    client_id: CLI_CLIENT,
    refresh_token: refreshToken,
    resource: adminApi.audience,
  });
  if (answer.status === 200) return loginOf(place, answer);
  if (answer.status >= 500 || answer.status === 429) throw refused(place, answer);
  return undefined;
}

/** Revokes what was issued at the sign-in. A server that knows nothing of it says so too (RFC 7009 §2.2). */
export async function revoke(
  place: Omit<Place, 'clock'>,
  { refreshToken, accessToken }: Login,
): Promise<void> {
  await postForm(endpoint(place, 'revoke'), { client_id: CLI_CLIENT, token: refreshToken ?? accessToken });
}

function loginOf({ realm, clock }: Place, { body }: Answer): Login {
  const { access_token: accessToken, refresh_token: refreshToken, expires_in: life } = body;
  return {
    realm,
    accessToken: String(accessToken),
    ...(typeof refreshToken === 'string' && { refreshToken }),
    expiresAt: epochSeconds(clock) + Number(life ?? 0),
  };
}

const reasons: Readonly<Record<string, string>> = {
  access_denied: 'it was refused in the browser',
  expired_token: 'nobody agreed in time',
};

function refused({ url, realm }: Place, { status, body }: Answer): Failure {
  const error = String(body['error'] ?? `status ${status}`);
  const reason = reasons[error] ?? cellOf(body['error_description'] ?? error);
  return new Failure('forbidden', `could not sign in at ${url}, realm ${realm}: ${reason}`);
}
