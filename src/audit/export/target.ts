/** Where copies of the audit log go. */
import type { AuditEvent } from '../audit-event.ts';

/** Events of one realm, at most 100, in their order. */
export type Delivery = {
  /** The same when the same events are sent again. */
  readonly id: string;
  readonly realm: string;
  readonly events: readonly AuditEvent[];
};

export type Target = {
  /** From a closed list: what has been sent is remembered under it. */
  readonly name: 'webhook' | 'syslog';
  /** Rejects when it may not have arrived: then it is sent again. */
  send(delivery: Delivery): Promise<void>;
};
