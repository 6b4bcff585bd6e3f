import { describe, expect, it } from 'vitest';
import { client } from '../../src/registry/model/model.ts';
import { createEventStream } from '../../src/surfaces/events/event-stream.ts';

const open = (audiences: readonly string[] = ['https://a']) =>
  createEventStream({
    realm: 'acme',
    client: client.parse({ id: 'rs', secret: 'rs-secret', introspects: ['a'] }),
    secret: Buffer.alloc(32),
    audiences,
  });

describe('a stream of events', () => {
  it('is text that an EventSource reads, from knowing nothing on', () => {
    const stream = open();
    stream.cut(['key'], []);
    stream.beat();

    expect(String(stream.body.read())).toBe(
      'retry: 1000\n\n' +
        'event: flush\ndata: {}\n\n' +
        'event: cut\ndata: {"keys":["key"],"tokens":[]}\n\n' +
        ':\n\n',
    );
  });

  it('names tokens of its own APIs alone, as they are now', () => {
    const stream = open();
    stream.body.read();
    const tokens = [
      { id: 'gt_own', aud: ['https://b', 'https://a'] },
      { id: 'gt_other', aud: ['https://c'] },
    ];

    stream.cut([], tokens);
    stream.limitTo(['https://c']);
    stream.cut([], tokens);
    stream.limitTo([]);
    stream.cut([], tokens);

    expect(String(stream.body.read()).match(/gt_\w+/g)).toEqual(['gt_own', 'gt_other']);
  });

  it('drops who does not read', () => {
    const stream = open();
    const keys = Array.from({ length: 256 }, (_, index) => `key-${index}`);

    for (let sent = 0; sent < 100; sent += 1) stream.cut(keys, []);

    expect(stream.body.destroyed).toBe(true);
  });

  it('waits for who reads slowly to hear the end, once', () => {
    const stream = open();

    stream.end();
    stream.flush();
    stream.beat();
    expect(stream.body.destroyed).toBe(false);
    stream.end();

    expect(stream.body.destroyed).toBe(true);
  });
});
