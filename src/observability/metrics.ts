import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { version } from '../base/version.ts';
import type { Annotations } from './annotations.ts';
import type { DomainEvent, RequestPath } from './events.ts';

export type Metrics = ReturnType<typeof createMetrics>;

type Request = {
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
  readonly path?: RequestPath | undefined;
  readonly wrong?: Annotations['wrong'];
  readonly limit?: Annotations['limit'];
};

function addBuildInfo(registry: Registry): void {
  const build = new Gauge({
    name: 'daypass_build_info',
    help: 'Always 1; the labels say which build this process runs',
    labelNames: ['version', 'node'],
    registers: [registry],
  });
  build.labels(version, process.version).set(1);
}

function instrumentsOf(registry: Registry) {
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers: [registry] });
  const requests = counter(
    'daypass_requests_total',
    'Requests answered, by route, status and, for the protocol, path (fast or library)',
    ['route', 'status', 'path'],
  );
  const durations = new Histogram({
    name: 'daypass_request_duration_seconds',
    help: 'Time from the first byte read to the answer, by route',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });

  const wrong = counter(
    'daypass_wrong_credentials_total',
    'Credentials that were wrong, by kind, and whether they were answered or held off for guessing',
    ['kind', 'outcome'],
  );

  const limited = counter(
    'daypass_network_limited_total',
    'Requests without credentials that were refused because their network had sent too many, by limit',
    ['limit'],
  );

  const events = counter(
    'daypass_events_total',
    'What happened in the realms, by event; for tokens by path (fast or library), for the rest by reason or kind',
    ['event', 'detail'],
  );

  return { requests, durations, wrong, limited, events };
}

/** Counters and histograms of this process. Labels are closed sets: never a realm, client or user name. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addBuildInfo(registry);
  const { requests, durations, wrong, limited, events } = instrumentsOf(registry);
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
    if (request.limit !== undefined) limited.inc({ limit: request.limit });
    if (request.wrong !== undefined) {
      wrong.inc({ kind: request.wrong, outcome: request.status === 429 ? 'held_off' : 'answered' });
    }
  }

  function observeEvent(event: DomainEvent): void {
    const count = event.type === 'audit.lost' ? event.count : 1;
    for (const detail of detailsOf(event)) events.inc({ event: nameOf(event), detail }, count);
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
    case 'access.refused':
    case 'audit.lost':
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
    case 'session.ended':
    case 'consent.given':
    case 'consent.declined':
    case 'consent.withdrawn':
    case 'client.registered':
    case 'keys.created':
    case 'keys.rotated':
      return [''];
  }
}
