/** Changes of the registry, and deeds, as events of the audit log. */
import type { Actor, Change, Deed } from '../registry/store/change-log.ts';
import type { AuditDraft } from './audit-event.ts';
import { changesOf } from './changes.ts';
import { originOf } from './from-events.ts';

export function draftOfChange(realm: string, actor: Actor, change: Change): AuditDraft {
  const { what, id, before, after } = change;
  return {
    kind: `${what}.${verbOf(change)}`,
    ...doneBy(realm, actor),
    object: { kind: what, id: id ?? realm },
    outcome: 'success',
    changes: changesOf({ what, before, after }),
  };
}

export function draftOfDeed({ realm, actor, deed, to }: Deed): AuditDraft {
  const [kind = 'realm'] = Object.keys(to);
  return {
    kind: deed,
    ...doneBy(realm, actor),
    object: { kind, id: to[kind] ?? realm },
    outcome: 'success',
    details: { ...to },
  };
}

function verbOf({ before, after }: Change): string {
  if (before === undefined) return 'created';
  return after === undefined ? 'removed' : 'changed';
}

function doneBy(
  realm: string,
  { kind, id, realm: home, source, requestId }: Actor,
): Pick<AuditDraft, 'actor' | 'source' | 'requestId'> {
  return {
    actor: {
      kind,
      ...(id !== undefined && { id }),
      ...(home !== undefined && home !== realm && { realm: home }),
    },
    ...originOf(source),
    ...(requestId !== undefined && { requestId }),
  };
}
