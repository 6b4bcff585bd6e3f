import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

export type Metrics = ReturnType<typeof createMetrics>;

/** Counters and histograms of this process. Labels are closed sets: never a realm, client or user name. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'daypass_requests_total',
    help: 'Requests answered, by route and status',
    labelNames: ['route', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'daypass_request_duration_seconds',
    help: 'Time from the first byte read to the answer, by route',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers: [registry],
  });

  function observe(request: { route: string; status: number; durationMs: number }): void {
    requests.inc({ route: request.route, status: String(request.status) });
    durations.observe({ route: request.route }, request.durationMs / 1000);
  }

  return { observe, text: () => registry.metrics(), contentType: registry.contentType };
}
