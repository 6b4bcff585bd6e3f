import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, agentOf, originOf, requestSourceOf } from '../../src/observability/request-source.ts';

describe('who sent a request', () => {
  it('is told by the address that the door found, the origin and the user agent', () => {
    const headers = {
      'x-forwarded-for': '2001:db8::7',
      origin: 'https://app.example.com',
      'user-agent': 'Mozilla/5.0',
    };

    expect(requestSourceOf({ headers })).toEqual({
      ip: '2001:db8::7',
      origin: 'https://app.example.com',
      userAgent: 'Mozilla/5.0',
    });
    expect(requestSourceOf({ headers: {} })).toEqual({});
  });

  it.each([
    ['a\r\nb\u2028c\u202ed\u0000e', 'a b c d e'],
    [' \n ', undefined],
    ['x'.repeat(10_000), 'x'.repeat(256)],
    ['😀'.repeat(10_000), '😀'.repeat(256)],
  ])('has an agent on one line of a sane length: %j', (text, agent) => {
    expect(agentOf(text)).toBe(agent);
  });

  it('has an agent that is well-formed, whatever was sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => {
        const agent = agentOf(text) ?? '';

        expect(agent.isWellFormed()).toBe(true);
        expect(agent).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect([...agent].length).toBeLessThanOrEqual(256);
      }),
    );
  });

  it.each(['1.2.3', 'example.com', '1.2.3.4, 5.6.7.8', `fe80::1%${'a'.repeat(100)}`, '', undefined])(
    'has no address that is none: %j',
    (text) => {
      expect(addressOf(text)).toBeUndefined();
    },
  );

  it.each([
    ['https://app.example.com/embed?token=dpg_secret#dpg_secret', 'https://app.example.com'],
    ['https://user:password@app.example.com:8443/', 'https://app.example.com:8443'],
    ['null', undefined],
    ['javascript:alert(1)', undefined],
    [`https://${'a'.repeat(300)}.example.com`, undefined],
  ])('has an origin and nothing that came with it: %j', (text, origin) => {
    expect(originOf(text)).toBe(origin);
  });
});
