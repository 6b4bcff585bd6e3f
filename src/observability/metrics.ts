import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Annotations } from './annotations.ts';
import type { DomainEvent, RequestPath } from './events.ts';

export type Metrics = ReturnType<typeof createMetrics>;

type Request = {
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  readonly path: RequestPath | undefined;
  readonly wrong: Annotations['wrong'];
};

/** Counters and histograms of this process. Labels are closed sets: never a realm, client or user name. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'daypass_requests_total',
    help: 'Requests answered, by route, status and, for the protocol, path (fast or library)',
    labelNames: ['route', 'status', 'path'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'daypass_request_duration_seconds',
    help: 'Time from the first byte read to the answer, by route',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });

  const wrong = new Counter({
    name: 'daypass_wrong_credentials_total',
    help: 'Credentials that were wrong, by kind, and whether they were answered or held off for guessing',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  });

  const events = new Counter({
    name: 'daypass_events_total',
    help: 'What happened in the realms, by event; for tokens by path (fast or library), for the rest by reason or kind',
    labelNames: ['event', 'detail'],
    registers: [registry],
  });

  const ofRoutes = new Map<string, ReturnType<typeof durations.labels>>();
  const ofAnswers = new Map<string, ReturnType<typeof requests.labels>>();

  /** To look labels up costs more than to count. Both sets are closed, so they can be kept. */
  function count({ route, status, durationMs, path }: Request): void {
    const answer = `${route} ${status} ${path ?? ''}`;
    const counter = ofAnswers.get(answer) ?? requests.labels(route, String(status), path ?? '');
    const histogram = ofRoutes.get(route) ?? durations.labels(route);
    ofAnswers.set(answer, counter);
    ofRoutes.set(route, histogram);
    counter.inc();
    histogram.observe(durationMs / 1000);
  }

  function observe(request: Request): void {
    count(request);
    if (request.wrong !== undefined) {
      wrong.inc({ kind: request.wrong, outcome: request.status === 429 ? 'held_off' : 'answered' });
    }
  }

  function observeEvent(event: DomainEvent): void {
    for (const detail of detailsOf(event)) events.inc({ event: nameOf(event), detail });
  }

  return {
    observe,
    observeEvent,
    ...storeMetrics(registry),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function storeMetrics(registry: Registry) {
  const troubles = new Counter({
    name: 'daypass_store_failures_total',
    help: 'Calls that the store did not carry out, by reason',
    labelNames: ['reason'],
    registers: [registry],
  });

  /** `read` is asked whenever the metrics are. */
  function observeClock(read: () => number): void {
    new Gauge({
      name: 'daypass_store_clock_ahead_seconds',
      help: "Seconds that the store's clock is ahead of this machine's",
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** A call that the store did not carry out; the reason is from a closed list. */
  function observeTrouble(reason: string): void {
    troubles.inc({ reason });
  }

  return { observeClock, observeTrouble };
}

function nameOf(event: DomainEvent): string {
  return event.type === 'guest' ? event.event : event.type;
}

/** One label from a closed set, or several where one event is of several kinds. */
function detailsOf(event: DomainEvent): readonly string[] {
  switch (event.type) {
    case 'login.succeeded':
      return [event.step];
    case 'login.failed':
      return [event.reason];
    case 'token.issued':
    case 'token.refused':
    case 'token.introspected':
    case 'token.revoked':
      return [event.path];
    case 'revocation':
      return event.kinds;
    case 'registry.changed':
      return [event.what];
    case 'guest':
    case 'keys.created':
    case 'keys.rotated':
      return [''];
  }
}
