/**
 * Whether a browser may be sent to a client without being asked. Nobody has looked at the addresses of a client that
 * registered itself: who could make us redirect there would have our name for a forged page (RFC 9700 §4.11.2).
 */
import { type Client, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { protocolStateOf } from '../http/protocol-state.ts';

/** False for a client that registered itself, and where no client is known. */
export function isTrusted(client: Client | undefined): boolean {
  return client !== undefined && client['self_registered'] !== true;
}

/**
 * An error of an authorization request that no person has seen yet is shown on a page of ours, with a link to the
 * client. Once a person has been asked anything, the answer goes to the client.
 */
export function holdErrorsOfStrangers(provider: Provider): void {
  for (const event of ['authorization.error', 'server_error'] as const) {
    provider.on(event as 'server_error', (ctx: KoaContextWithOIDC, error: unknown) => {
      const { route, client } = ctx.oidc;
      if (route !== 'authorization' || isTrusted(client)) return;
      if (!(error instanceof errors.OIDCProviderError) || error.allow_redirect !== true) return;
      error.allow_redirect = false;
      protocolStateOf(ctx).heldClient = client;
    });
  }
}

/** The address of a client to which this error response was not sent (RFC 6749 §4.1.2.1). */
export function heldAddress(ctx: KoaContextWithOIDC, response: object): string | undefined {
  const { heldClient: client } = protocolStateOf(ctx);
  const { redirect_uri: uri, response_mode: mode } = ctx.oidc.params ?? {};
  if (client === undefined || typeof uri !== 'string' || !client.redirectUriAllowed(uri)) return undefined;
  const address = new URL(uri);
  const members = Object.entries(response).filter(([, value]) => typeof value === 'string');
  if (mode === 'fragment') address.hash = new URLSearchParams(members).toString();
  else for (const [name, value] of members) address.searchParams.set(name, value);
  return address.href;
}
