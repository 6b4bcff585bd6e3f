import { describe, expect, it } from 'vitest';
import { createEventSink, type DomainEvent } from '../../src/observability/events.ts';
import { createMetrics } from '../../src/observability/metrics.ts';

const login: DomainEvent = { type: 'login.succeeded', realm: 'acme', step: 'password', user: 'u1' };

describe('the event sink', () => {
  it('lets the others hear what one listener fails on, and says so in the log', () => {
    const [lines, heard]: [object[], DomainEvent[]] = [[], []];
    const sink = createEventSink({ error: (line: object) => void lines.push(line) });
    sink.subscribe(() => {
      throw new Error('cannot');
    });
    sink.subscribe((event) => heard.push(event));

    sink.emit(login);

    expect(heard).toEqual([login]);
    expect(lines).toMatchObject([{ realm: 'acme', event: 'login.succeeded' }]);
  });

  it('forgets a listener that has left', () => {
    const heard: DomainEvent[] = [];
    const sink = createEventSink({ error: () => undefined });
    const leave = sink.subscribe((event) => heard.push(event));

    leave();
    sink.emit(login);

    expect(heard).toEqual([]);
  });
});

describe('the metrics of events', () => {
  it('count each kind of a revocation, and name no realm, user or node', async () => {
    const metrics = createMetrics();

    metrics.observeEvent({
      type: 'revocation',
      realm: 'acme',
      nodes: ['u:ada', 'c:portal'],
      kinds: ['user', 'client'],
    });

    const lines = (await metrics.text())
      .split('\n')
      .filter((line) => line.startsWith('daypass_events_total'));
    expect(lines.toSorted()).toEqual([
      'daypass_events_total{event="revocation",detail="client"} 1',
      'daypass_events_total{event="revocation",detail="user"} 1',
    ]);
  });
});
