import { describe, expect, it } from 'vitest';
import type { Document } from '../../src/storage/port/port.ts';
import { encodeToken } from '../../src/tokens/record.ts';
import { usableToken } from '../../src/tokens/usable.ts';

const token = {
  kind: 'AccessToken',
  clientId: 'app',
  aud: 'https://api.test',
  scope: 'a b',
  iat: 1,
  exp: 100,
};

function documentOf(fields: Record<string, unknown> = {}, more: Partial<Document> = {}): Document {
  return { value: encodeToken({ ...token, ...fields }), cut: false, stamp: 1, now: 1, ...more } as Document;
}

describe('an access token', () => {
  it.each<[string, Document | undefined, object, boolean]>([
    ['is usable', documentOf(), {}, true],
    ['of a client is usable', documentOf({ kind: 'ClientCredentials' }), {}, true],
    ['is none when there is no document', undefined, {}, false],
    ['is none when it is a refresh token', documentOf({ kind: 'RefreshToken' }), {}, false],
    ['is none when it is something else', documentOf({ kind: 'Guest' }), {}, false],
    ['is dead when it was cut', documentOf({}, { cut: true }), {}, false],
    ['is dead when it was spent', documentOf({}, { spentAt: 1 }), {}, false],
    ['is dead at its end', documentOf({ exp: 50 }), {}, false],
    ['is no bearer token when it is bound to a key', documentOf({ jkt: 'k' }), {}, false],
    ['is no bearer token when it is bound to a certificate', documentOf({ 'x5t#S256': 'c' }), {}, false],
    ['is usable with its key', documentOf({ jkt: 'k' }), { jkt: 'k' }, true],
    ['is not usable with another key', documentOf({ jkt: 'k' }), { jkt: 'l' }, false],
    ['is usable with its certificate', documentOf({ 'x5t#S256': 'c' }), { 'x5t#S256': 'c' }, true],
    ['is not usable with a key instead', documentOf({ 'x5t#S256': 'c' }), { jkt: 'c' }, false],
    ['is usable whatever else is proven', documentOf(), { jkt: 'k', 'x5t#S256': 'c' }, true],
  ])('%s', (_what, document, proven, isUsable) => {
    expect(usableToken(document, { now: 50, proven }) !== undefined).toBe(isUsable);
  });

  it.each([
    [['https://api.test'], true],
    [['https://other.test', 'https://api.test'], true],
    [['https://other.test'], false],
    [[], false],
  ])('is usable where the audiences are %j: %s', (audiences, isUsable) => {
    expect(usableToken(documentOf(), { now: 50, audiences }) !== undefined).toBe(isUsable);
  });

  it('without an audience is usable nowhere that asks for one', () => {
    const { aud: _, ...rest } = token;
    const document = { ...documentOf(), value: encodeToken(rest) };

    expect(usableToken(document, { now: 50, audiences: ['https://api.test'] })).toBeUndefined();
  });
});
