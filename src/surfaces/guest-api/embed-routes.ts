/**
 * One-use openers as browsers meet them: `GET` shows a page and spends nothing, `POST` with a proof redeems, once; by
 * our page or by the product's own, which makes its key itself.
 */
import type { Context } from 'koa';
import { isRefused } from '../../guest/grant/refusal.ts';
import { HOLDER } from '../../guest/trail/trail.ts';
import { stateOf } from '../../http/request-state.ts';
import { pageHeaders } from '../../http/security-headers.ts';
import { provenGuestKey } from '../../oidc/client-auth/guest-proof.ts';
import { guestRealmOf } from '../../oidc/realm/guest-realm.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import { findMinter } from './call.ts';
import { embedPage, embedPolicy } from './embed-page.ts';
import { presentMinted } from './present.ts';
import { Problem, problemOf } from './problems.ts';

/** The opener is all that counts, and nothing of the browser's own: pages of any origin may redeem it. */
export function openToPages(ctx: Context): void {
  if (ctx.method === 'POST' || ctx.method === 'OPTIONS') ctx.set('Access-Control-Allow-Origin', '*');
}

export async function preflightEmbed(ctx: Context): Promise<void> {
  ctx.status = 204;
  ctx.set('Access-Control-Allow-Methods', 'POST');
  ctx.set('Access-Control-Allow-Headers', 'Accept, Content-Type, DPoP');
  ctx.set('Access-Control-Max-Age', '3600');
}

export async function showEmbed(ctx: Context, realm: RealmContext, opener: string): Promise<void> {
  const origins = await realm.guests.originsOfOpener(guestRealmOf(realm), opener);
  // The page of a dead opener is the same: redeeming it tells.
  const shown = origins ?? [];
  ctx.set({ ...pageHeaders({ isHttps: realm.publicUrl.startsWith('https:') }) });
  ctx.set('Content-Security-Policy', embedPolicy(shown));
  // Said by frame-ancestors, which can name several.
  ctx.remove('X-Frame-Options');
  // A page that opened it in a window waits for its message.
  ctx.set('Cross-Origin-Opener-Policy', 'unsafe-none');
  ctx.status = origins === undefined ? 404 : 200;
  ctx.type = 'html';
  ctx.body = embedPage(shown);
}

export async function redeemEmbed(ctx: Context, realm: RealmContext, opener: string): Promise<void> {
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
