/** Who gave a setting its value, and when. */
import type { AuditEvent } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Draft, Explanation, Setting } from './answer.ts';

/** How many changes of a thing are looked at. */
const LOOKED_AT = 100;

/** Each reason with the last change of its setting. Without one in the log nothing is said. */
export async function withHistory(
  audit: Pick<AuditLog, 'search'>,
  realm: string,
  { reasons, ...rest }: Draft,
): Promise<Explanation> {
  const told: Explanation['reasons'] = [];
  // Many reasons may lie in one setting.
  const found = new Map<string, AuditEvent | undefined>();
  for (const { of, ...reason } of reasons) {
    const event = of === undefined ? undefined : await lastChangeOnce(of);
    told.push({ ...reason, ...(event !== undefined && { changed: changedBy(event) }) });
  }
  return { ...rest, reasons: told };

  async function lastChangeOnce(setting: Setting): Promise<AuditEvent | undefined> {
    const key = JSON.stringify(setting);
    const event = found.has(key) ? found.get(key) : await lastChange(audit, realm, setting);
    found.set(key, event);
    return event;
  }
}

/** The newest event that changed this member, or that created the thing. */
async function lastChange(
  audit: Pick<AuditLog, 'search'>,
  realm: string,
  { what, id, member }: Setting,
): Promise<AuditEvent | undefined> {
  const object = id === undefined ? what : `${what}:${id}`;
  const { events } = await audit.search(realm, { object, kind: what }, { limit: LOOKED_AT });
  return events.find(({ kind, changes }) => kind === `${what}.created` || changes?.[member] !== undefined);
}

function changedBy({
  time,
  actor,
  requestId,
}: AuditEvent): NonNullable<Explanation['reasons'][number]['changed']> {
  const { kind, id, realm } = actor;
  return {
    time,
    by: { kind, ...(id !== undefined && { id }), ...(realm !== undefined && { realm }) },
    ...(requestId !== undefined && { requestId }),
  };
}
