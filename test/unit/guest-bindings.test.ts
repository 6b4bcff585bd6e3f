import { describe, expect, it } from 'vitest';
import {
  areNetworksWithin,
  areOriginsWithin,
  binding,
  checkBinding,
  hostsOf,
  type Presented,
} from '../../src/guest/grant/bindings.ts';

const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I';
const bound = (given: object) => binding.parse(given);

describe('checkBinding', () => {
  it.each<[string, object, Presented, string | undefined]>([
    ['nothing bound', {}, {}, undefined],
    ['the origin', { origins: ['https://app.acme.com'] }, { origin: 'https://app.acme.com' }, undefined],
    [
      'another port',
      { origins: ['https://app.acme.com'] },
      { origin: 'https://app.acme.com:8443' },
      'origin_mismatch',
    ],
    [
      'plain http',
      { origins: ['https://app.acme.com'] },
      { origin: 'http://app.acme.com' },
      'origin_mismatch',
    ],
    ['an opaque origin', { origins: ['https://app.acme.com'] }, { origin: 'null' }, 'origin_mismatch'],
    ['no origin', { origins: ['https://app.acme.com'] }, {}, 'origin_mismatch'],
    [
      'any first label',
      { origins: ['https://*.acme.com:8443'] },
      { origin: 'https://eu.acme.com:8443' },
      undefined,
    ],
    [
      'two labels',
      { origins: ['https://*.acme.com'] },
      { origin: 'https://a.b.acme.com' },
      'origin_mismatch',
    ],
    ['no label', { origins: ['https://*.acme.com'] }, { origin: 'https://acme.com' }, 'origin_mismatch'],
    [
      'a look-alike',
      { origins: ['https://*.acme.com'] },
      { origin: 'https://evil-acme.com' },
      'origin_mismatch',
    ],
    [
      'a look-alike with user',
      { origins: ['https://*.acme.com'] },
      { origin: 'https://evil.example/.acme.com' },
      'origin_mismatch',
    ],
    ['the network', { ip: ['10.0.0.0/8', '203.0.113.0/24'] }, { ip: '203.0.113.77' }, undefined],
    ['an address inside IPv6', { ip: ['203.0.113.0/24'] }, { ip: '::ffff:203.0.113.77' }, undefined],
    ['the next network', { ip: ['203.0.113.0/24'] }, { ip: '203.0.114.1' }, 'ip_mismatch'],
    ['IPv6', { ip: ['2001:db8::/32'] }, { ip: '2001:db8:1::1' }, undefined],
    ['other IPv6', { ip: ['2001:db8::/32'] }, { ip: '2001:db9::1' }, 'ip_mismatch'],
    ['one address', { ip: ['203.0.113.7'] }, { ip: '203.0.113.7' }, undefined],
    ['no address', { ip: ['0.0.0.0/0'] }, {}, 'ip_mismatch'],
    ['what is no address', { ip: ['0.0.0.0/0'] }, { ip: '0.0.0.0/0' }, 'ip_mismatch'],
    ['the key', { key: { jkt } }, { jkt }, undefined],
    ['another key', { key: { jkt } }, { jkt: jkt.toLowerCase() }, 'key_mismatch'],
    ['a proof that the caller has yet to see', { key: { jkt } }, {}, undefined],
    ['a host that nobody looked up', { ip: ['office.acme.com'] }, { ip: '203.0.113.7' }, 'ip_mismatch'],
    [
      'a host',
      { ip: ['office.acme.com'] },
      { ip: '203.0.113.7', addresses: new Map([['office.acme.com', ['203.0.113.7']]]) },
      undefined,
    ],
    [
      'a host elsewhere',
      { ip: ['office.acme.com'] },
      { ip: '203.0.113.8', addresses: new Map([['office.acme.com', ['203.0.113.7', 'nonsense']]]) },
      'ip_mismatch',
    ],
  ])('%s', (_what, given, presented, fault) => {
    expect(checkBinding(bound(given), presented)).toBe(fault);
  });

  it('names the hosts that are to be looked up', () => {
    expect(hostsOf(bound({ ip: ['10.0.0.0/8', 'office.acme.com', '::1'] }))).toEqual(['office.acme.com']);
  });
});

describe('binding', () => {
  it.each([
    'https://app.acme.com/',
    'https://App.acme.com',
    'https://app.acme.com:443',
    'https://*.com',
    'https://*.co.uk',
    'https://*.co.uk:8443',
    'https://*.github.io',
    'https://*.xn--55qx5d.cn',
    // Each name below it is a public suffix itself.
    'https://*.kawasaki.jp',
    'https://*.localhost',
    'https://*.*.acme.com',
    'https://a*.acme.com',
    'https://*.10.0.0.1',
    'http://127.0.0.1:3000',
    'http://*.localhost',
    'ftp://app.acme.com',
    'https://user@app.acme.com',
    'null',
    '*',
  ])('refuses the origin %s', (origin) => {
    expect(binding.safeParse({ origins: [origin] }).success).toBe(false);
  });

  it.each([
    'https://app.acme.com',
    'https://*.acme.com:8443',
    'https://*.acme.co.uk',
    'https://*.acme.github.io',
    'https://*.city.kawasaki.jp',
    'https://*.bi.acme.internal',
    'https://co.uk',
    'https://203.0.113.7',
    'https://[2001:db8::1]:8443',
    'http://localhost',
  ])('accepts the origin %s', (origin) => {
    expect(binding.safeParse({ origins: [origin] }).success).toBe(true);
  });

  it.each([
    '203.0.113.0/33',
    '203.0.113.0/',
    '203.0.113.0/-1',
    '10.0.0.1/8/8',
    '010.0.0.1',
    '1.2.3',
    'fe80::1%eth0',
    'a b',
    '-a.com',
    '',
  ])('refuses the network %j', (ip) => {
    expect(binding.safeParse({ ip: [ip] }).success).toBe(false);
  });

  it('refuses a list that nobody is on', () => {
    expect(binding.safeParse({ origins: [] }).success).toBe(false);
    expect(binding.safeParse({ ip: [] }).success).toBe(false);
  });
});

describe('a narrower binding', () => {
  it.each<[string[], string[], boolean]>([
    [['203.0.113.128/25'], ['203.0.113.0/24'], true],
    [['203.0.113.7'], ['203.0.113.0/24'], true],
    [['203.0.112.0/23'], ['203.0.113.0/24'], false],
    [['203.0.113.0/23'], ['203.0.113.0/24'], false],
    [['203.0.113.0/24', '10.0.0.1'], ['203.0.113.0/24'], false],
    [['::/0'], ['0.0.0.0/0'], false],
    [['office.acme.com'], ['office.acme.com'], true],
    [['office.acme.com'], ['0.0.0.0/0'], false],
  ])('of networks %j in %j: %s', (child, parent, isWithin) => {
    expect(areNetworksWithin(child, parent)).toBe(isWithin);
  });

  it.each<[string[], string[], boolean]>([
    [['https://eu.acme.com'], ['https://*.acme.com'], true],
    [['https://*.acme.com'], ['https://*.acme.com'], true],
    [['https://*.eu.acme.com'], ['https://*.acme.com'], false],
    [['https://app.acme.com', 'https://evil.example'], ['https://app.acme.com'], false],
  ])('of origins %j in %j: %s', (child, parent, isWithin) => {
    expect(areOriginsWithin(child, parent)).toBe(isWithin);
  });
});
