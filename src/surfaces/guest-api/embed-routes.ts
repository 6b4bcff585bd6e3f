/**
 * One-use openers: `GET` shows a page and spends nothing, `POST` with a proof redeems the opener once, for our page
 * or for the product's own, which makes the key itself.
 */
import type { Context } from 'koa';
import { epochSeconds } from '../../base/clock.ts';
import { isTemporary } from '../../base/errors.ts';
import { isRefused } from '../../guest/grant/refusal.ts';
import { presentMinted } from '../../guest/json/present.ts';
import { HOLDER } from '../../guest/trail/trail.ts';
import { Problem, refuseWithProblem, tellOutageAsProblem, withProblems } from '../../http/problem.ts';
import { stateOf } from '../../http/request-state.ts';
import { type Route, type Routed, type Surface, wrapRoutes } from '../../http/routes.ts';
import { pageHeaders } from '../../http/security-headers.ts';
import { provenGuestKey } from '../../oidc/proofs/guest-proof.ts';
import type { RealmRequest } from '../../oidc/provider/realm-router.ts';
import { guestRealmOf } from '../../oidc/realm/guest-realm.ts';
import { takeOfStranger } from '../../oidc/realm/strangers.ts';
import { findMinter } from './call.ts';
import { type EmbedPage, embedPage, embedPolicy } from './embed-page.ts';
import type { EmbedLocale } from './embed-texts.ts';
import { problemOf } from './refusals.ts';

type EmbedCall = Routed<RealmRequest>;

const one = { path: '/embed/:opener', who: 'holder', params: { opener: /^[A-Za-z0-9_-]{1,128}$/ } } as const;

const routes: readonly Route<EmbedCall>[] = [
  { method: 'GET', ...one, handler: showEmbed },
  // Only the opener counts, and no credential of the browser: pages of any origin may redeem it.
  {
    method: 'POST',
    ...one,
    crossOrigin: { headers: 'Accept, Content-Type, DPoP', exposes: 'DPoP-Nonce, Retry-After' },
    handler: redeemEmbed,
  },
];

export const embed: Surface<RealmRequest> = {
  name: 'embed',
  routes: wrapRoutes(routes, withProblems<EmbedCall>),
  refuse: refuseWithProblem,
  tellOutage,
};

async function showEmbed(call: EmbedCall): Promise<void> {
  try {
    await showState(call);
  } catch (error) {
    if (!isTemporary(error)) throw error;
    showOutage(call.ctx);
  }
}

/** Who redeems is a program. */
function tellOutage(ctx: Context): void {
  if (ctx.method === 'GET') showOutage(ctx);
  else tellOutageAsProblem(ctx);
}

/** A person looks at this address: a page, not JSON, also while the store cannot be reached. */
function showOutage(ctx: Context): void {
  ctx.set('Retry-After', '1');
  sendPage(ctx, 503, { origins: [], state: 'waiting', locale: localeFor(ctx, 'en'), tokenAddress: '' });
}

async function showState({ ctx, provider: { realm }, params }: EmbedCall): Promise<void> {
  const { state, origins } = await realm.guests.stateOfOpener(guestRealmOf(realm), params['opener'] ?? '');
  sendPage(ctx, state === 'active' ? 200 : 404, {
    origins,
    state: state === 'active' ? 'opening' : state,
    locale: localeFor(ctx, realm.view.login.locale),
    tokenAddress: `${realm.issuer}/protocol/openid-connect/token`,
  });
}

function sendPage(ctx: Context, status: number, page: EmbedPage): void {
  // Whether the server is known by https only is among the headers that every answer has.
  ctx.set({ ...pageHeaders({ isHttps: false }) });
  ctx.set('Content-Security-Policy', embedPolicy(page.origins));
  // `frame-ancestors` decides it, because it can name several origins.
  ctx.remove('X-Frame-Options');
  // A page that opened it in a window waits for its message.
  ctx.set('Cross-Origin-Opener-Policy', 'unsafe-none');
  ctx.vary('Accept-Language');
  ctx.status = status;
  ctx.type = 'html';
  ctx.body = embedPage(page);
}

function localeFor(ctx: Context, fallback: EmbedLocale): EmbedLocale {
  const found = ctx.acceptsLanguages('en', 'de');
  return found === 'en' || found === 'de' ? found : fallback;
}

async function redeemEmbed({ ctx, provider: { realm }, params }: EmbedCall): Promise<void> {
  const opener = params['opener'] ?? '';
  // A proof is remembered before anything shows that its sender holds an opener.
  const giveBack = await takeOfStranger(realm, ctx.req, 'proofs');
  const address = `${realm.issuer}/embed/${opener}`;
  const proof = await provenGuestKey(realm, ctx, { address, owner: 'guest' });
  if ('fault' in proof) throw new Problem(proof.code, proof.fault);
  const minted = await realm.guests.redeemOpener({
    realm: guestRealmOf(realm),
    value: opener,
    jkt: proof.jkt,
    source: { by: HOLDER, ...stateOf(ctx.req).source },
    minterOf: (id) => findMinter(realm, id),
  });
  if ('gone' in minted) throw notActive(minted.gone);
  if (isRefused(minted)) throw problemOf(minted);
  giveBack();
  ctx.status = 201;
  ctx.body = presentMinted(minted, { issuer: realm.issuer, now: epochSeconds(realm.clock) });
}

/** The reason tells a page what to say. It is known to nobody who does not hold the opener. */
function notActive(gone: 'spent' | 'expired'): Problem {
  const detail = 'the opener is not active';
  return new Problem('not_found', detail, { faults: [{ code: gone, pointer: '', message: detail }] });
}
