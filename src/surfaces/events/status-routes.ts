/** Status lists (draft-ietf-oauth-status-list §8): for everybody, as the keys are that the tokens are verified with. */
import type { Context } from 'koa';
import { STATUS_TTL } from '../../guest/status/status-lists.ts';
import { annotate } from '../../http/request-state.ts';
import type { RealmProvider } from '../../oidc/provider/provider.ts';
import { guestRealmOf } from '../../oidc/realm/guest-realm.ts';
import type { RealmContext } from '../../oidc/realm/realm-context.ts';
import { handlerOf, Problem, withProblems } from '../guest-api/problems.ts';

const MEDIA_TYPE = 'application/statuslist+jwt';
const address = /^\/status-lists\/([A-Za-z0-9_-]{1,64})$/;

/** Answers the address of a status list below a realm; `false` for everything else. */
export async function answerStatusList(
  ctx: Context,
  provider: RealmProvider,
  path: string,
): Promise<boolean> {
  const id = address.exec(path)?.[1];
  if (id === undefined) return false;
  annotate(ctx.req, { route: 'status-list' });
  ctx.set('Access-Control-Allow-Origin', '*');
  await withProblems(ctx, () =>
    handlerOf(ctx, { GET: showList, OPTIONS: preflight })(ctx, provider.realm, id),
  );
  return true;
}

async function showList(ctx: Context, realm: RealmContext, id: string): Promise<void> {
  if (ctx.accepts(MEDIA_TYPE) === false) throw new Problem('not_acceptable', `there is only ${MEDIA_TYPE}`);
  // §8.4: what was the case at another time is not kept.
  if ('time' in ctx.query) throw new Problem('not_implemented', 'only the status of now is known');
  const list = await realm.guests.statusList(guestRealmOf(realm), id);
  if (list === undefined) throw new Problem('not_found', 'there is no such status list');
  const age = Math.floor(realm.clock() / 1000) - list.iat;
  ctx.set('Cache-Control', `public, max-age=${Math.max(0, STATUS_TTL - age)}`);
  ctx.body = list.jwt;
  ctx.type = MEDIA_TYPE;
}

async function preflight(ctx: Context): Promise<void> {
  ctx.status = 204;
  ctx.set({ 'Access-Control-Allow-Methods': 'GET, HEAD', 'Access-Control-Allow-Headers': 'Accept' });
}
