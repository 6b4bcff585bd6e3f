/**
 * The log lines of domain events. The line of a request (http/lifecycle.ts) reports its logins and tokens, so these
 * events have no line of their own.
 */
import type { DomainEvent, EventListener, EventType } from './events.ts';
import type { Logger } from './logger.ts';

type Line = {
  readonly level: 'warn' | 'info' | 'debug';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
};

/** The events that have a line of their own. */
export const loggedTypes = [
  'login.failed',
  'guest',
  'revocation',
  'keys.created',
  'keys.rotated',
  'registry.changed',
  'audit.lost',
] as const satisfies readonly EventType[];

type LoggedEvent = Extract<DomainEvent, { type: (typeof loggedTypes)[number] }>;

export function logEvents(logger: Pick<Logger, 'warn' | 'info' | 'debug'>): EventListener {
  return function logEvent(event) {
    if (!isLogged(event)) return;
    const line = lineOf(event);
    if (line === undefined) return;
    const { level, fields, message } = line;
    logger[level]({ realm: event.realm, ...fields }, message);
  };
}

function isLogged(event: DomainEvent): event is LoggedEvent {
  return loggedTypes.some((type) => type === event.type);
}

function lineOf(event: LoggedEvent): Line | undefined {
  switch (event.type) {
    case 'login.failed':
      // Other logins that failed are in the line of their request.
      return event.reason === 'locked'
        ? info('login refused', { user: event.user, reason: 'locked' })
        : undefined;
    case 'revocation':
      return info('revoked', { kinds: event.kinds, nodes: event.nodes.length });
    case 'keys.created':
      return info('signing keys changed', event.details);
    case 'keys.rotated':
      return info('signing keys rotated', event.details);
    case 'registry.changed':
      // A realm file may bring thousands of users.
      return { level: 'debug', message: 'registry changed', fields: { what: event.what, id: event.id } };
    case 'audit.lost':
      return {
        level: 'warn',
        message: 'events are missing in the audit log',
        fields: { count: event.count, reason: event.reason },
      };
    case 'guest':
      return info('guest trail', { event: event.event, ...event.details });
  }
}

function info(message: string, fields: Line['fields']): Line {
  return { level: 'info', message, fields };
}
