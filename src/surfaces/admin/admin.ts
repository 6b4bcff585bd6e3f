/** The admin API: every route of it, in the order of the documentation. */
import type { Surface } from '../../http/routes.ts';
import { pageHeaders } from '../../http/security-headers.ts';
import { clientRoutes } from './clients/client-routes.ts';
import { previewRoutes } from './clients/preview-routes.ts';
import { secretRoutes } from './clients/secret-routes.ts';
import { compatRoutes } from './compat/compat-routes.ts';
import { openApiOf } from './openapi/document.ts';
import { referencePage } from './openapi/page.ts';
import { credentialRoutes } from './people/credential-routes.ts';
import { importRoutes } from './people/import-routes.ts';
import { sessionRoutes } from './people/session-routes.ts';
import { userRoutes } from './people/user-routes.ts';
import { keyRoutes } from './realm/key-routes.ts';
import { listRoutes } from './realm/lists.ts';
import { quotaRoutes } from './realm/quota-routes.ts';
import { realmRoutes } from './realm/realm-routes.ts';
import { statsRoutes } from './realm/stats-routes.ts';
import type { AdminRoute } from './shared/route.ts';
import { type AdminRequest, createAdminSurface } from './shared/surface.ts';
import { explainRoutes } from './tokens/explain-routes.ts';
import { guestRoutes } from './tokens/guest-routes.ts';

export const adminRoutes: readonly AdminRoute[] = [
  ...realmRoutes,
  ...listRoutes,
  ...clientRoutes,
  ...secretRoutes,
  ...previewRoutes,
  ...userRoutes,
  ...importRoutes,
  ...credentialRoutes,
  ...sessionRoutes,
  ...guestRoutes,
  ...explainRoutes,
  ...keyRoutes,
  ...quotaRoutes,
  ...statsRoutes,
  ...compatRoutes,
];

const surface = createAdminSurface(adminRoutes);

/** What the API is, for programs and for people. It says nothing of what is stored. */
const reference: Surface<AdminRequest>['routes'] = [
  {
    method: 'GET',
    path: '/admin/v1/openapi.json',
    who: 'anybody',
    handler: ({ ctx, deps }) => {
      ctx.type = 'application/json';
      ctx.body = JSON.stringify(openApiOf(adminRoutes, deps.publicUrl));
    },
  },
  {
    method: 'GET',
    path: '/admin/v1/reference',
    who: 'anybody',
    handler: ({ ctx, deps: { publicUrl } }) => {
      ctx.set({ ...pageHeaders({ isHttps: publicUrl.startsWith('https:') }) });
      ctx.type = 'html';
      ctx.body = referencePage(adminRoutes, new URL(publicUrl).pathname.replace(/\/$/, ''));
    },
  },
];

export const admin: Surface<AdminRequest> = { ...surface, routes: [...reference, ...surface.routes] };
