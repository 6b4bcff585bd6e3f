/**
 * What happens in a realm, as one typed list and one sink. Whoever does a thing emits its event after the commit. The
 * log and the metrics subscribe to the sink; audit, traces and signals can. Events name things by their ids. They
 * never contain a credential.
 */
import type { Logger } from './logger.ts';
import type { RequestSource } from './request-source.ts';

/** Which way a protocol request took: below the framework and the library, or through them. */
export type RequestPath = 'fast' | 'library';

type OfRealm = { readonly realm: string };

/** Where the request came from that the event is about, where that is known. For the audit log; never logged. */
type OfRequest = { readonly source?: RequestSource | undefined };

/** A step of authentication was passed or failed. `user`: the id, where the user exists. */
type LoginEvent = OfRealm &
  OfRequest & {
    readonly step: string;
    /** The client whose users log in, where the step knows it. */
    readonly client?: string | undefined;
  } & (
    | { readonly type: 'login.succeeded'; readonly user: string }
    | {
        readonly type: 'login.failed';
        readonly user?: string | undefined;
        readonly reason: 'credentials' | 'locked' | 'disabled' | 'incomplete';
      }
  );

/** What the token endpoint, introspection and revocation answered. `client` is absent when none was authenticated. */
type TokenEvent = OfRealm &
  OfRequest & {
    readonly path: RequestPath;
    readonly client?: string | undefined;
  } & (
    | { readonly type: 'token.issued'; readonly grant?: string | undefined }
    | {
        readonly type: 'token.refused';
        readonly grant?: string | undefined;
        /** The `error` of the answer (RFC 6749 §5.2). */
        readonly error: string;
        /** Why, for the operator; the caller is not told. */
        readonly reason?: string | undefined;
      }
    | { readonly type: 'token.introspected'; readonly active: boolean }
    | { readonly type: 'token.revoked' }
  );

/** An event in the trail of a guest token, or a mint that was refused, which has no trail. */
type GuestEvent = OfRealm &
  OfRequest & {
    readonly type: 'guest';
    /** Who did it: a client, a user, or `holder`. */
    readonly by?: string | undefined;
    /** `guest.minted`, `guest.used`, `guest.revoked`, … as in the trail. */
    readonly event: string;
    /** Members of the log line. */
    readonly details: Readonly<Record<string, string | number | undefined>>;
  };

/** Revocation nodes were cut or closed: what hangs below is dead. */
type RevocationEvent = OfRealm & {
  readonly type: 'revocation';
  readonly nodes: readonly string[];
  /** What was cut, each once: `client`, `user`, `session`, … */
  readonly kinds: readonly string[];
};

type KeyEvent = OfRealm & {
  readonly type: 'keys.created' | 'keys.rotated';
  readonly details: Readonly<Record<string, unknown>>;
};

/** Something of the registry was created, changed or removed by this process. */
type RegistryEvent = OfRealm & {
  readonly type: 'registry.changed';
  readonly what: 'realm' | 'client' | 'user' | 'keys';
  readonly id?: string | undefined;
};

/** A caller of the admin API or the API of guest tokens was not let in. */
type AccessEvent = OfRealm &
  OfRequest & {
    readonly type: 'access.refused';
    readonly api: 'admin' | 'guest-tokens';
    readonly reason: 'unauthenticated' | 'forbidden';
    /** Absent when nobody was authenticated. */
    readonly caller?: { readonly kind: 'user' | 'client'; readonly id: string } | undefined;
    /** The name of what was asked for. */
    readonly operation?: string | undefined;
  };

/** A person allowed a client something, declined it, or took it back. */
type ConsentEvent = OfRealm &
  OfRequest & {
    readonly type: 'consent.given' | 'consent.declined' | 'consent.withdrawn';
    readonly user: string;
    readonly client: string;
    /** What was asked for. */
    readonly scope?: string | undefined;
  };

/** A session was ended by its person, or for the person by a client. Ends by administrators are deeds of theirs. */
type SessionEvent = OfRealm &
  OfRequest & { readonly type: 'session.ended'; readonly user: string; readonly session: string };

/** A client registered itself, or changed or removed its registration (RFC 7591, RFC 7592). */
type RegistrationEvent = OfRealm &
  OfRequest & { readonly type: 'client.registered'; readonly client?: string | undefined };

/** Events that the audit log has not got, because the store was away for long, or strangers caused too many. */
type AuditLostEvent = OfRealm & {
  readonly type: 'audit.lost';
  readonly reason: 'store' | 'rate';
  readonly count: number;
};

export type DomainEvent =
  | LoginEvent
  | TokenEvent
  | GuestEvent
  | AccessEvent
  | ConsentEvent
  | SessionEvent
  | RegistrationEvent
  | RevocationEvent
  | KeyEvent
  | RegistryEvent
  | AuditLostEvent;

export type EventType = DomainEvent['type'];

export type EventListener = (event: DomainEvent) => void;

export type EventSink = {
  /** Never throws and never waits: an event must not undo what it reports. */
  emit(event: DomainEvent): void;
  /** `types`: what the listener wants to hear; absent: everything. Returns the function that ends the subscription. */
  subscribe(listener: EventListener, types?: readonly EventType[]): () => void;
};

type Subscription = {
  readonly listener: EventListener;
  readonly types: ReadonlySet<EventType> | undefined;
};

/** A listener that throws is reported in the log; the others hear the event all the same. */
export function createEventSink(logger: Pick<Logger, 'error'>): EventSink {
  const subscriptions = new Set<Subscription>();

  function emit(event: DomainEvent): void {
    for (const { listener, types } of subscriptions) {
      if (types?.has(event.type) === false) continue;
      try {
        listener(event);
      } catch (error) {
        logger.error({ realm: event.realm, event: event.type, err: error }, 'an event was not taken in');
      }
    }
  }

  function subscribe(listener: EventListener, types?: readonly EventType[]): () => void {
    const subscription = { listener, types: types && new Set(types) };
    subscriptions.add(subscription);
    return () => subscriptions.delete(subscription);
  }

  return { emit, subscribe };
}
