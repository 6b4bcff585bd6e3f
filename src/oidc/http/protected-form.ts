import type { KoaContextWithOIDC } from 'oidc-provider';
import type { ProtectedForm } from '../realm/ui-port.ts';

/** The form of a library's page: its address and the secret that the session holds against forgery. */
export function protectedForm(ctx: KoaContextWithOIDC, route: string): ProtectedForm {
  const secret: unknown = ctx.oidc.session?.state?.['secret'];
  return { action: ctx.oidc.urlFor(route), xsrf: typeof secret === 'string' ? secret : '' };
}
