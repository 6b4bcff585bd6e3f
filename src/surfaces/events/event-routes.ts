/** `GET /events`: resource servers that cache introspection answers hear what to drop. */
import { Problem, refuseWithProblem, tellOutageAsProblem, withProblems } from '../../http/problem.ts';
import { annotate } from '../../http/request-state.ts';
import { type Route, type Routed, type Surface, wrapRoutes } from '../../http/routes.ts';
import { provenClient } from '../../oidc/client-auth/proven-client.ts';
import { audiencesOf } from '../../oidc/endpoints/introspect.ts';
import type { RealmRequest } from '../../oidc/provider/realm-router.ts';
import type { EventStreams } from './event-streams.ts';

const MEDIA_TYPE = 'text/event-stream';

/** A request to a realm, and the streams of this process. */
export type EventRequest = RealmRequest & { readonly streams: EventStreams };

const routes: readonly Route<Routed<EventRequest>>[] = [
  { method: 'GET', path: '/events', who: 'client', handler: listen },
];

export const events: Surface<EventRequest> = {
  name: 'events',
  routes: wrapRoutes(routes, withProblems<Routed<EventRequest>>),
  refuse: refuseWithProblem,
  tellOutage: tellOutageAsProblem,
};

/** Clients that introspect may listen, and nobody else. */
async function listen({ streams, ctx, provider }: Routed<EventRequest>): Promise<void> {
  const { realm } = provider;
  const { client_id: name } = ctx.query;
  const client = await provenClient(
    provider.clientAuth,
    ctx.req,
    typeof name === 'string' ? name : undefined,
  );
  if (client === undefined) throw unauthenticated(realm.issuer);
  annotate(ctx.req, { client: client.id });
  const audiences = audiencesOf(realm, client);
  if (audiences.length === 0) throw new Problem('access_denied', 'the client introspects no API');
  if (ctx.accepts(MEDIA_TYPE) === false) throw new Problem('not_acceptable', `there is only ${MEDIA_TYPE}`);
  const body = ctx.method === 'HEAD' ? undefined : await streams.open(realm, client, audiences);
  // Proxies must not buffer the stream.
  ctx.set({ 'Content-Type': MEDIA_TYPE, 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
  ctx.status = 200;
  if (body !== undefined) ctx.body = body;
}

function unauthenticated(issuer: string): Problem {
  const headers = { 'WWW-Authenticate': `Basic realm="${issuer}", error="invalid_client"` };
  return new Problem('invalid_client', 'the caller is not authenticated', { headers });
}
