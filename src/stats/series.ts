/** What is counted: a closed list of kinds, and which event counts as what. */
import type { DomainEvent, EventType } from '../observability/events.ts';

/** Each kind, and what its details are. */
export const kinds = {
  'logins.succeeded': '',
  'logins.failed': 'the reason: `credentials`, `locked`, `disabled`, `incomplete`',
  'tokens.issued': 'the grant',
  'tokens.refused': 'the `error` of the answer, at any endpoint that clients call',
  'tokens.revoked': '',
  introspections: '`active`, `inactive`',
  'guests.minted': '',
  'guests.refreshed': '',
  'guests.revoked': '',
  'guests.refused': '',
  revocations: 'what was cut: `client`, `user`, `session`, …',
} as const satisfies Readonly<Record<string, string>>;

export type Kind = keyof typeof kinds;

export function isKind(text: string): text is Kind {
  return Object.hasOwn(kinds, text);
}

/** The name of a series: its kind, and its detail behind a space. No kind and no detail has a space in it. */
export type Series = string;

/** The events that count. */
export const countedTypes = [
  'login.succeeded',
  'login.failed',
  'token.issued',
  'token.refused',
  'token.introspected',
  'token.revoked',
  'guest',
  'revocation',
] as const satisfies readonly EventType[];

const guestKinds = new Map<string, Kind>([
  ['guest.minted', 'guests.minted'],
  ['guest.refreshed', 'guests.refreshed'],
  ['guest.revoked', 'guests.revoked'],
  ['guest.refused', 'guests.refused'],
]);

// An introspection is the most frequent event: it makes nothing new.
const active: readonly Series[] = [named('introspections', 'active')];
const inactive: readonly Series[] = [named('introspections', 'inactive')];

/** The series that an event adds one to. Details are from closed lists, so there are few series. */
export function seriesOf(event: DomainEvent): readonly Series[] {
  switch (event.type) {
    case 'token.introspected':
      return event.active ? active : inactive;
    case 'token.issued':
      return [named('tokens.issued', event.grant)];
    case 'token.refused':
      return [named('tokens.refused', event.error)];
    case 'token.revoked':
      return [named('tokens.revoked')];
    case 'login.succeeded':
      return [named('logins.succeeded')];
    case 'login.failed':
      return [named('logins.failed', event.reason)];
    case 'revocation':
      return event.kinds.map((kind) => named('revocations', kind));
    case 'guest':
      return guestSeries(event.event);
    case 'keys.created':
    case 'keys.rotated':
    case 'registry.changed':
    case 'consent.given':
    case 'consent.withdrawn':
    case 'client.registered':
    case 'audit.lost':
    case 'consent.declined':
    case 'session.ended':
    case 'access.refused':
      return [];
  }
}

function guestSeries(event: string): readonly Series[] {
  const kind = guestKinds.get(event);
  return kind === undefined ? [] : [named(kind)];
}

function named(kind: Kind, detail = ''): Series {
  return detail === '' ? kind : `${kind} ${detail}`;
}

/** The kind and the detail of a series. */
export function partsOf(series: Series): { readonly kind: string; readonly detail?: string } {
  const [kind = '', detail] = series.split(' ');
  return { kind, ...(detail !== undefined && { detail }) };
}
