/**
 * Events of one realm that wait to be written. Their number is bounded: equal failures become one event with a count,
 * failures of strangers have a limit per minute, and what finds no place is counted and told in an event of its own.
 */
import type { AuditDraft, AuditEvent } from './audit-event.ts';

/** The most events that wait while the store is away. */
const MAX_WAITING = 10_000;
/** The most events of failures that a process writes for a realm in a minute. */
export const FAILURES_PER_MINUTE = 300;
const MINUTE_MS = 60_000;
/** Milliseconds that an event waits for others, and how many are written without waiting for more. */
const FLUSH_MS = 100;
const FULL = 100;
/** The most that are taken for one commit: a long one keeps other requests waiting. */
const MAX_TAKEN = 1000;

export type Lost = { readonly reason: 'store' | 'rate'; readonly count: number };

type Deps = {
  readonly clock: () => number;
  readonly newId: () => string;
  /** Called with what was lost, when it is written down as lost. */
  onLost(lost: Lost): void;
};

export function createWaiting({ clock, newId, onLost }: Deps) {
  let events: AuditEvent[] = [];
  let failures = new Map<string, AuditEvent>();
  const lost = { store: 0, rate: 0 };
  const minute = createMinute(clock);

  function eventOf(draft: AuditDraft): AuditEvent {
    return { id: newId(), time: new Date(clock()).toISOString(), ...draft };
  }

  function add(draft: AuditDraft): void {
    if (draft.outcome === 'failure') addFailure(draft);
    else push(eventOf(draft));
  }

  function addFailure(draft: AuditDraft): void {
    const name = sameness(draft);
    const same = failures.get(name);
    if (same !== undefined) {
      same.count = (same.count ?? 1) + 1;
    } else if (minute.count() > FAILURES_PER_MINUTE) {
      lost.rate += 1;
    } else {
      const event = eventOf(draft);
      failures.set(name, event);
      push(event);
    }
  }

  function push(event: AuditEvent): void {
    if (events.length < MAX_WAITING) events.push(event);
    else lost.store += 1;
  }

  /** Milliseconds until something should be written; `undefined` when nothing waits. */
  function dueInMs(): number | undefined {
    if (events.length >= FULL) return 0;
    if (events.length > 0 || lost.store > 0) return FLUSH_MS;
    return lost.rate > 0 ? Math.max(FLUSH_MS, minute.leftMs()) : undefined;
  }

  /**
   * The first that wait, with an event for what was lost: failures of strangers are told once a minute, or when
   * `isLast`. They wait no more until they are given back.
   */
  function take(isLast = false): AuditEvent[] {
    const isToldNow = { store: true, rate: isLast || minute.leftMs() === 0 };
    const taken = events.slice(0, MAX_TAKEN);
    events = events.slice(MAX_TAKEN);
    failures = new Map();
    for (const reason of ['store', 'rate'] as const) {
      const count = lost[reason];
      if (count === 0 || !isToldNow[reason]) continue;
      lost[reason] = 0;
      onLost({ reason, count });
      taken.push(eventOf(lostDraft(reason, count)));
    }
    return taken;
  }

  /** What could not be written comes before what has come meanwhile. */
  function giveBack(taken: readonly AuditEvent[]): void {
    const room = Math.max(0, MAX_WAITING - events.length);
    lost.store += Math.max(0, taken.length - room);
    events = [...taken.slice(0, room), ...events];
  }

  return { add, take, giveBack, eventOf, dueInMs };
}

/** Counts what happens in a minute, which begins with the first count after the last one is over. */
function createMinute(clock: () => number) {
  let from = 0;
  let counted = 0;
  // Over, too, when the clock was set back.
  const leftMs = () => {
    const age = clock() - from;
    return age < 0 ? 0 : Math.max(0, MINUTE_MS - age);
  };
  const count = () => {
    if (leftMs() === 0) {
      from = clock();
      counted = 0;
    }
    counted += 1;
    return counted;
  };
  return { count, leftMs };
}

function lostDraft(reason: Lost['reason'], count: number): AuditDraft {
  return {
    kind: 'audit.lost',
    actor: { kind: 'server' },
    object: { kind: 'audit' },
    outcome: 'failure',
    reason,
    details: { count },
  };
}

/** Equal failures say the same but for time and request. */
function sameness({ kind, actor, object, client, reason, source, details }: AuditDraft): string {
  return JSON.stringify([kind, actor, object, client, reason, source, details]);
}
