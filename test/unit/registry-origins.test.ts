import { describe, expect, it } from 'vitest';
import { client as clientSchema } from '../../src/registry/model/model.ts';
import { coversOrigin, originsOf, originWrites, placesOf } from '../../src/registry/model/origins.ts';

const clientWith = (fields: object) => clientSchema.parse({ id: 'app', ...fields });

describe('the origins of a client', () => {
  it('are those that it registered', () => {
    const client = clientWith({ cors: ['https://a.test'], redirectUris: ['https://b.test/cb'] });

    expect(originsOf(client)).toEqual(['https://a.test']);
  });

  it('are else those of its redirect URIs, each once, private schemes left out', () => {
    const redirectUris = [
      'https://b.test/cb',
      'https://b.test/other',
      'com.example.app:/cb',
      'http://localhost:3000/cb',
    ];

    expect(originsOf(clientWith({ redirectUris }))).toEqual(['https://b.test', 'http://localhost:3000']);
  });

  it('are none when it says so', () => {
    expect(originsOf(clientWith({ cors: [], redirectUris: ['https://b.test/cb'] }))).toEqual([]);
  });
});

describe('an origin', () => {
  it.each([
    ['https://a.test', 'https://a.test', false, true],
    ['https://a.test', 'https://a.test:444', false, false],
    ['https://a.test', 'http://a.test', false, false],
    ['http://127.0.0.1:1', 'http://127.0.0.1:2', true, true],
    ['http://127.0.0.1:1', 'http://127.0.0.1:2', false, false],
    ['http://127.0.0.1', 'http://localhost', true, false],
    ['http://[::1]', 'http://[::1]:9', true, true],
    ['https://localhost', 'https://localhost:9', true, false],
    ['http://a.test', 'http://a.test:9', true, false],
    ['null', 'null', false, false],
    ['http://127.0.0.1:*', 'http://127.0.0.1:*', true, false],
  ])('%s covers %s (native: %s)? %s', (registered, origin, _native, expected) => {
    expect(coversOrigin([registered], _native, origin)).toBe(expected);
  });

  it.each([
    'null',
    '',
    'https://a.test/',
    'https://a.test/path',
    'https://A.test',
    'a.test',
    'https://a.test x',
  ])('is none: %s', (text) => {
    expect(placesOf(text)).toEqual([]);
  });
});

describe('the index', () => {
  const first = clientWith({ cors: ['https://a.test', 'https://b.test'] });
  const second = clientWith({ cors: ['https://b.test', 'https://c.test'] });
  const at = (id: string) => ({ realm: 'acme', kind: 'origin', id });

  it('gains what came and loses what left', () => {
    const writes = originWrites('acme', 'app', { before: first, after: second });

    expect(writes).toEqual([
      { unindex: at('https://a.test'), member: 'app' },
      { index: at('https://c.test'), member: 'app' },
    ]);
  });

  it('is left as it is by a change of anything else', () => {
    expect(originWrites('acme', 'app', { before: first, after: { ...first, enabled: false } })).toEqual([]);
  });

  it('loses everything of a client that goes', () => {
    const writes = originWrites('acme', 'app', { before: first, after: undefined });

    expect(writes.map((write) => 'unindex' in write && write.unindex.id)).toEqual([
      'https://a.test',
      'https://b.test',
    ]);
  });

  it('files loopback origins of native clients without their port', () => {
    const native = clientWith({ applicationType: 'native', redirectUris: ['http://127.0.0.1:8080/cb'] });

    expect(originWrites('acme', 'app', { before: undefined, after: native })).toEqual([
      { index: at('http://127.0.0.1:*'), member: 'app' },
    ]);
  });
});
