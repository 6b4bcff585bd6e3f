/**
 * Domain events as events of the audit log. Tokens that were issued to clients and users, and introspections, are not
 * among them: there are thousands a second, and they say nothing that the login, the consent or the client does not.
 */
import type { DomainEvent, EventType } from '../observability/events.ts';
import type { RequestSource } from '../observability/request-source.ts';
import type { AuditDraft } from './audit-event.ts';

/** The domain events that are written down. Changes of the registry come with their commit, not from here. */
export const auditedTypes = [
  'login.succeeded',
  'login.failed',
  'token.refused',
  'token.revoked',
  'guest',
  'access.refused',
  'session.ended',
  'consent.given',
  'consent.declined',
  'consent.withdrawn',
  'client.registered',
  'keys.created',
  'keys.rotated',
  'revocation',
] as const satisfies readonly EventType[];

type Audited = Extract<DomainEvent, { type: (typeof auditedTypes)[number] }>;
type Of<Type extends EventType> = Extract<DomainEvent, { type: Type }>;

/** `undefined` for an event that is not written down. */
export function draftOf(event: DomainEvent): AuditDraft | undefined {
  return isAudited(event) ? draftOfAudited(event) : undefined;
}

function isAudited(event: DomainEvent): event is Audited {
  return auditedTypes.some((type) => type === event.type);
}

function draftOfAudited(event: Audited): AuditDraft | undefined {
  switch (event.type) {
    case 'login.succeeded':
    case 'login.failed':
      return ofLogin(event);
    case 'token.refused':
    case 'token.revoked':
      return ofToken(event);
    case 'guest':
      return ofGuest(event);
    case 'access.refused':
      return {
        kind: event.type,
        actor: event.caller ?? { kind: 'stranger' },
        object: { kind: 'api', id: event.api },
        outcome: 'failure',
        reason: event.reason,
        ...originOf(event.source),
        ...(event.operation !== undefined && { details: { operation: event.operation } }),
      };
    case 'session.ended':
      return {
        kind: event.type,
        actor: { kind: 'user', id: event.user },
        object: { kind: 'session', id: event.session },
        outcome: 'success',
        ...originOf(event.source),
      };
    case 'consent.given':
    case 'consent.declined':
    case 'consent.withdrawn':
      return ofConsent(event);
    case 'client.registered':
      return {
        kind: event.type,
        actor: { kind: 'stranger' },
        object: thing('client', event.client),
        outcome: 'success',
        ...originOf(event.source),
      };
    case 'keys.created':
    case 'keys.rotated':
      return ofKeys(event);
    case 'revocation':
      return ofRevocation(event);
  }
}

function ofLogin(event: Of<'login.succeeded' | 'login.failed'>): AuditDraft {
  const hasPassed = event.type === 'login.succeeded';
  const { user, client, step } = event;
  return {
    kind: event.type,
    actor: thing(hasPassed ? 'user' : 'stranger', user),
    object: thing('user', user),
    outcome: hasPassed ? 'success' : 'failure',
    ...(event.type === 'login.failed' && { reason: event.reason }),
    ...(client !== undefined && { client }),
    ...originOf(event.source),
    details: { step },
  };
}

function ofToken(event: Of<'token.refused' | 'token.revoked'>): AuditDraft {
  const { client, source } = event;
  const base = {
    kind: event.type,
    actor: isProven(event) ? thing('client', client) : { kind: 'stranger' as const },
    object: { kind: 'token' },
    ...(client !== undefined && { client }),
    ...originOf(source),
  };
  if (event.type === 'token.revoked') return { ...base, outcome: 'success' };
  const { error, grant, reason = error } = event;
  return {
    ...base,
    outcome: 'failure',
    reason: reason.slice(0, MAX_REASON),
    details: { error, ...(grant !== undefined && { grant }) },
  };
}

/** Who is refused as a client has named one and has not shown to be it. Public clients have nothing to show. */
function isProven(event: Of<'token.refused' | 'token.revoked'>): boolean {
  if (event.client === undefined) return false;
  return event.type === 'token.revoked' || !/^(invalid|unauthorized)_client$/.test(event.error);
}

/** A reason of the library's may quote a long parameter. */
const MAX_REASON = 256;

/** Uses are frequent, and sampled in the token's own trail. */
const unaudited: ReadonlySet<string> = new Set(['guest.used', 'guest.denied']);

function ofGuest(event: Of<'guest'>): AuditDraft | undefined {
  const { event: kind, details, by, source } = event;
  if (unaudited.has(kind)) return undefined;
  const { guest, client, refusal, pointer, reason, selector } = details;
  const why = refusal ?? reason;
  return {
    kind,
    actor: guestActor(by, client),
    object: thing('guest', textOf(guest)),
    outcome: kind === 'guest.refused' ? 'failure' : 'success',
    ...(why !== undefined && { reason: String(why) }),
    ...(client !== undefined && { client: String(client) }),
    ...originOf(source),
    ...(pointer !== undefined && { details: { pointer } }),
    ...(selector !== undefined && { details: { selector } }),
  };
}

/** Whoever acts on a guest token is its client, its holder, or a user of the realm. */
function guestActor(by: string | undefined, client: string | number | undefined): AuditDraft['actor'] {
  if (by === undefined || by === 'narrowing') return { kind: 'server' };
  if (by === 'holder') return { kind: 'holder' };
  return { kind: by === client || !isUserId(by) ? 'client' : 'user', id: by };
}

/** A client id never looks like that of a user (registry/model/model.ts). */
function isUserId(id: string): boolean {
  return /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(id);
}

type ConsentType = 'consent.given' | 'consent.declined' | 'consent.withdrawn';

function ofConsent({ type, user, client, scope, source }: Of<ConsentType>) {
  return {
    kind: type,
    actor: { kind: 'user', id: user },
    object: { kind: 'consent', id: client },
    outcome: 'success',
    client,
    ...originOf(source),
    ...(scope !== undefined && { details: { scope } }),
  } satisfies AuditDraft;
}

function ofKeys({ type, details }: Of<'keys.created' | 'keys.rotated'>): AuditDraft | undefined {
  const text = JSON.stringify(details);
  return {
    kind: type,
    actor: { kind: 'server' },
    object: { kind: 'keys' },
    outcome: 'success',
    details: { keys: text },
  };
}

/** Single tokens have events of their own, which say who revoked them. */
const ownEvents: ReadonlySet<string> = new Set(['guest', 'token']);
/** A cut names few nodes; the removal of a client that mints, or a selector, more. */
const MAX_NODES = 32;

function ofRevocation({ nodes, kinds }: Of<'revocation'>): AuditDraft | undefined {
  if (kinds.every((kind) => ownEvents.has(kind))) return undefined;
  const [kind = 'realm'] = kinds;
  const [node = ''] = nodes;
  return {
    kind: 'revocation',
    actor: { kind: 'server' },
    object: thing(kind, node.slice(node.indexOf(':') + 1) || undefined),
    outcome: 'success',
    details: { kinds: [...kinds], nodes: nodes.slice(0, MAX_NODES), count: nodes.length },
  };
}

function thing<Kind extends string>(kind: Kind, id: string | undefined) {
  return id === undefined ? { kind } : { kind, id };
}

function textOf(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** The members of an event that say where its request came from. */
export function originOf(from: RequestSource | undefined): Pick<AuditDraft, 'source' | 'requestId'> {
  if (from === undefined) return {};
  const { ip, origin, userAgent, requestId } = from;
  const source = {
    ...(ip !== undefined && { ip }),
    ...(origin !== undefined && { origin }),
    ...(userAgent !== undefined && { userAgent }),
  };
  return { source, ...(requestId !== undefined && { requestId }) };
}
