/** Status lists (draft-ietf-oauth-status-list §8): public, like the keys that verify the tokens. */
import { STATUS_TTL } from '../../guest/status/status-lists.ts';
import { Problem, refuseWithProblem, tellOutageAsProblem, withProblems } from '../../http/problem.ts';
import { type Route, type Routed, type Surface, wrapRoutes } from '../../http/routes.ts';
import type { RealmRequest } from '../../oidc/provider/realm-router.ts';
import { guestRealmOf } from '../../oidc/realm/guest-realm.ts';

const MEDIA_TYPE = 'application/statuslist+jwt';

const routes: readonly Route<Routed<RealmRequest>>[] = [
  {
    method: 'GET',
    path: '/status-lists/:id',
    who: 'anybody',
    params: { id: /^[A-Za-z0-9_-]{1,64}$/ },
    crossOrigin: { headers: 'Accept' },
    handler: showList,
  },
];

export const statusLists: Surface<RealmRequest> = {
  name: 'status-list',
  routes: wrapRoutes(routes, withProblems<Routed<RealmRequest>>),
  refuse: refuseWithProblem,
  tellOutage: tellOutageAsProblem,
};

async function showList({ ctx, provider: { realm }, params }: Routed<RealmRequest>): Promise<void> {
  if (ctx.accepts(MEDIA_TYPE) === false) throw new Problem('not_acceptable', `there is only ${MEDIA_TYPE}`);
  // §8.4: earlier states are not kept.
  if ('time' in ctx.query) throw new Problem('not_implemented', 'only the status of now is known');
  const list = await realm.guests.statusList(guestRealmOf(realm), params['id'] ?? '');
  if (list === undefined) throw new Problem('not_found', 'there is no such status list');
  const age = Math.floor(realm.clock() / 1000) - list.iat;
  ctx.set('Cache-Control', `public, max-age=${Math.max(0, STATUS_TTL - age)}`);
  ctx.body = list.jwt;
  ctx.type = MEDIA_TYPE;
}
