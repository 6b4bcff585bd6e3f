/**
 * One-use openers: `GET` shows a page and spends nothing, `POST` with a proof redeems the opener once, for our page
 * or for the product's own, which makes the key itself.
 */
import { isRefused } from '../../guest/grant/refusal.ts';
import { HOLDER } from '../../guest/trail/trail.ts';
import { Problem, refuseWithProblem, tellOutageAsProblem, withProblems } from '../../http/problem.ts';
import { stateOf } from '../../http/request-state.ts';
import { type Route, type Routed, type Surface, wrapRoutes } from '../../http/routes.ts';
import { pageHeaders } from '../../http/security-headers.ts';
import { provenGuestKey } from '../../oidc/client-auth/guest-proof.ts';
import type { RealmRequest } from '../../oidc/provider/realm-router.ts';
import { guestRealmOf } from '../../oidc/realm/guest-realm.ts';
import { findMinter } from './call.ts';
import { embedPage, embedPolicy } from './embed-page.ts';
import { presentMinted } from './present.ts';
import { problemOf } from './refusals.ts';

type EmbedCall = Routed<RealmRequest>;

const one = { path: '/embed/:opener', who: 'holder', params: { opener: /^[A-Za-z0-9_-]{1,128}$/ } } as const;

const routes: readonly Route<EmbedCall>[] = [
  { method: 'GET', ...one, handler: showEmbed },
  // Only the opener counts, and no credential of the browser: pages of any origin may redeem it.
  { method: 'POST', ...one, crossOrigin: { headers: 'Accept, Content-Type, DPoP' }, handler: redeemEmbed },
];

export const embed: Surface<RealmRequest> = {
  name: 'embed',
  routes: wrapRoutes(routes, withProblems<EmbedCall>),
  refuse: refuseWithProblem,
  tellOutage: tellOutageAsProblem,
};

async function showEmbed({ ctx, provider: { realm }, params }: EmbedCall): Promise<void> {
  const origins = await realm.guests.originsOfOpener(guestRealmOf(realm), params['opener'] ?? '');
  // A dead opener shows the same page; redeeming it fails.
  const shown = origins ?? [];
  ctx.set({ ...pageHeaders({ isHttps: realm.publicUrl.startsWith('https:') }) });
  ctx.set('Content-Security-Policy', embedPolicy(shown));
  // `frame-ancestors` decides it, because it can name several origins.
  ctx.remove('X-Frame-Options');
  // A page that opened it in a window waits for its message.
  ctx.set('Cross-Origin-Opener-Policy', 'unsafe-none');
  ctx.status = origins === undefined ? 404 : 200;
  ctx.type = 'html';
  ctx.body = embedPage(shown);
}

async function redeemEmbed({ ctx, provider: { realm }, params }: EmbedCall): Promise<void> {
  const opener = params['opener'] ?? '';
  const address = `${realm.issuer}/embed/${opener}`;
  const proof = await provenGuestKey(realm, ctx, { address, owner: 'guest' });
  if ('fault' in proof) throw new Problem('invalid_request', proof.fault);
  const minted = await realm.guests.redeemOpener({
    realm: guestRealmOf(realm),
    value: opener,
    jkt: proof.jkt,
    source: { by: HOLDER, ...stateOf(ctx.req).source },
    minterOf: (id) => findMinter(realm, id),
  });
  if (isRefused(minted)) throw problemOf(minted);
  ctx.status = 201;
  ctx.body = presentMinted(minted);
}
