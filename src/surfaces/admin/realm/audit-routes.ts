/** `…/audit`: the audit log of a realm. */
import { z } from 'zod';
import { auditEvent } from '../../../audit/audit-event.ts';
import { listSchema, pageQuery } from '../shared/pages.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';

const time = z.iso.datetime({ offset: true });
const wanted = z.string().min(1).max(512);

const auditQuery = z.strictObject({
  ...pageQuery,
  /** Both ends count. */
  from: time.optional(),
  to: time.optional(),
  /** An id, a kind such as `operator`, or both: `user:4f7…`. */
  actor: wanted.optional(),
  object: wanted.optional(),
  /** `login.failed`, or `login` for all that begin so. */
  kind: z
    .string()
    .regex(/^[a-z][a-z._-]{0,63}$/, 'a kind of event')
    .optional(),
});

export const auditRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'listAuditEvents',
    method: 'GET',
    path: '/audit',
    summary: 'Finds events of the audit log by time, actor, object and kind, the newest first.',
    permissions: ['audit:read'],
    query: auditQuery,
    answers: {
      200: {
        description: 'A page. It may hold fewer events than asked for and still have a next one.',
        schema: listSchema(auditEvent),
      },
    },
    handler: list,
  }),
];

async function list({ deps, realm, query }: RealmCall<z.output<typeof auditQuery>>): Promise<Answer> {
  const { cursor, limit, from, to, ...filter } = query;
  const page = { limit, after: cursor && Buffer.from(cursor, 'base64url').toString() };
  const span = { from: utcOf(from), to: utcOf(to) };
  const { events, next } = await deps.audit.search(realm.name, { ...filter, ...span }, page);
  const body = { items: events, next: next === undefined ? null : Buffer.from(next).toString('base64url') };
  return { status: 200, body };
}

/** Events have the time in UTC, with milliseconds: so texts compare as times do. */
function utcOf(text: string | undefined): string | undefined {
  return text === undefined ? undefined : new Date(text).toISOString();
}
