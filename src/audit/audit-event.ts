/** What one event of the audit log says. It names people and things by their ids, and never holds a secret. */
import { z } from 'zod';

/**
 * Who did it. `operator`: somebody at the command line. `server`: the server itself. `holder`: whoever holds the guest
 * token. `stranger`: nobody has proven who they are; the id of a stranger is a name that exists here, and no proof.
 */
export const auditActor = z.strictObject({
  kind: z.enum(['user', 'client', 'operator', 'server', 'holder', 'stranger']),
  id: z.string().optional(),
  /** Where the user or client lives, if that is another realm. */
  realm: z.string().optional(),
});

/** What it was done to. */
export const auditObject = z.strictObject({ kind: z.string(), id: z.string().optional() });

export const auditSource = z.strictObject({
  ip: z.string().optional(),
  origin: z.string().optional(),
  userAgent: z.string().optional(),
});

/** One changed member. Absent `before`: it was added. Absent `after`: it was removed. */
const changed = z.strictObject({ before: z.json().optional(), after: z.json().optional() });

const detail = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

export const auditEvent = z.strictObject({
  /** Unique on this server. An event that is delivered twice has the same id. */
  id: z.string(),
  /** ISO 8601, UTC, by the clock of the process that wrote it. */
  time: z.string(),
  /** A closed name: docs/audit.md lists them. */
  kind: z.string(),
  actor: auditActor,
  object: auditObject,
  outcome: z.enum(['success', 'failure']),
  /** Why it failed. */
  reason: z.string().optional(),
  /** The client that was used for it. */
  client: z.string().optional(),
  source: auditSource.optional(),
  /** The `X-Request-Id` of the answer. */
  requestId: z.string().optional(),
  /** How many equal events within a moment this one stands for. Absent: one. */
  count: z.int().optional(),
  /** Further members, such as the `error` of a refused token request. */
  details: z.record(z.string(), detail).optional(),
  /** By the name of the member that changed. Values that are secret or personal are replaced by `(hidden)`. */
  changes: z.record(z.string(), changed).optional(),
});

export type AuditEvent = z.infer<typeof auditEvent>;

/** An event before it is taken into the log. */
export type AuditDraft = Omit<AuditEvent, 'id' | 'time' | 'count'>;
