/** Everything that is answered below a realm beside the protocol. */
import { adaptSurface, type Surface } from '../http/routes.ts';
import type { RealmRequest } from '../oidc/provider/realm-router.ts';
import { sessionIframe } from '../oidc/sessions/session-iframe.ts';
import { type EventRequest, events } from './events/event-routes.ts';
import { statusLists } from './events/status-routes.ts';
import { facades } from './facades/facades.ts';
import type { FacadeCall } from './facades/shared/facade.ts';
import { embed } from './guest-api/embed-routes.ts';
import { type GuestApiRequest, guestApi } from './guest-api/guest-api.ts';
import { pages } from './pages/pages.ts';

/** A request to a realm, with all that any surface needs for it. */
export type SurfaceRequest = RealmRequest &
  GuestApiRequest &
  EventRequest & {
    /** The request as the facades see it. */
    toFacadeCall(request: RealmRequest): FacadeCall;
  };

export const surfaces: readonly Surface<SurfaceRequest>[] = [
  guestApi,
  embed,
  statusLists,
  events,
  ...facades.map((facade) =>
    adaptSurface(facade, (request: SurfaceRequest) => request.toFacadeCall(request)),
  ),
  ...pages,
  sessionIframe,
];
