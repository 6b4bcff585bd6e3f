/** The admin API: every route of it, in the order of the documentation. */
import { clientRoutes } from './clients/client-routes.ts';
import { previewRoutes } from './clients/preview-routes.ts';
import { secretRoutes } from './clients/secret-routes.ts';
import { credentialRoutes } from './people/credential-routes.ts';
import { importRoutes } from './people/import-routes.ts';
import { sessionRoutes } from './people/session-routes.ts';
import { userRoutes } from './people/user-routes.ts';
import { keyRoutes } from './realm/key-routes.ts';
import { listRoutes } from './realm/lists.ts';
import { quotaRoutes } from './realm/quota-routes.ts';
import { realmRoutes } from './realm/realm-routes.ts';
import type { AdminRoute } from './shared/route.ts';
import { createAdminSurface } from './shared/surface.ts';

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
  ...keyRoutes,
  ...quotaRoutes,
];

export const admin = createAdminSurface(adminRoutes);
