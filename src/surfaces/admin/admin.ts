/** The admin API: every route of it, in the order of the documentation. */
import type { Surface } from '../../http/routes.ts';
import { clientRoutes } from './clients/client-routes.ts';
import { previewRoutes } from './clients/preview-routes.ts';
import { secretRoutes } from './clients/secret-routes.ts';
import { compatRoutes } from './compat/compat-routes.ts';
import { referenceRoutes } from './openapi/reference-routes.ts';
import { credentialRoutes } from './people/credential-routes.ts';
import { importRoutes } from './people/import-routes.ts';
import { sessionRoutes } from './people/session-routes.ts';
import { userRoutes } from './people/user-routes.ts';
import { auditRoutes } from './realm/audit-routes.ts';
import { doctorRoutes } from './realm/doctor-routes.ts';
import { keyRoutes } from './realm/key-routes.ts';
import { listRoutes } from './realm/lists.ts';
import { quotaRoutes } from './realm/quota-routes.ts';
import { realmRoutes } from './realm/realm-routes.ts';
import { statsRoutes } from './realm/stats-routes.ts';
import type { AdminRoute } from './shared/route.ts';
import { type AdminRequest, createAdminSurface } from './shared/surface.ts';
import { explainRoutes } from './tokens/explain-routes.ts';
import { guestRoutes } from './tokens/guest-routes.ts';
import { tokenRoutes } from './tokens/token-routes.ts';

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
  ...tokenRoutes,
  ...explainRoutes,
  ...keyRoutes,
  ...quotaRoutes,
  ...doctorRoutes,
  ...statsRoutes,
  ...compatRoutes,
  ...auditRoutes,
];

const surface = createAdminSurface(adminRoutes);

export const admin: Surface<AdminRequest> = {
  ...surface,
  routes: [...referenceRoutes(adminRoutes), ...surface.routes],
};
