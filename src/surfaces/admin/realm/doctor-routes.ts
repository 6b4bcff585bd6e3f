/** `…/doctor`: whether a realm is set up as it should be. */
import { z } from 'zod';
import { examineRealm } from '../../../doctor/realm-doctor.ts';
import { listSchema } from '../shared/pages.ts';
import { type AdminRoute, realmRoute } from '../shared/route.ts';
import { storedSettings } from './settings.ts';

/** A check of the doctor. */
export const checkSchema = z.strictObject({
  check: z.string(),
  state: z.enum(['ok', 'warn', 'fail']),
  found: z.string(),
  /** What to do; absent where all is well. */
  cure: z.string().optional(),
});

export const doctorRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'examineRealm',
    method: 'GET',
    path: '/doctor',
    summary:
      'Looks whether the realm is set up as it should be: each thing `ok`, `warn` or `fail`, with what to do. The whole ' +
      'server is for `daypass doctor`.',
    permissions: ['stats:read', 'realm:read'],
    answers: { 200: { description: 'What was found.', schema: listSchema(checkSchema) } },
    handler: async (call) => {
      const items = await examineRealm(call.deps, await storedSettings(call));
      return { status: 200, body: { items, next: null } };
    },
  }),
];
