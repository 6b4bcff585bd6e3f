import { describe, expect, it } from 'vitest';
import { createSealer } from '../../src/keys/seal.ts';
import { client, realmSettings } from '../../src/registry/model/model.ts';
import {
  clientKey,
  createCodec,
  loginsOf,
  normalizeLogin,
  settingsKey,
} from '../../src/registry/store/records.ts';

const codec = createCodec(createSealer(Buffer.alloc(32, 7)));
const web = client.parse({
  id: 'web',
  secret: 'web-secret',
  previousSecret: 'web-secret-before',
  contacts: ['ops'],
});

describe('records', () => {
  it('of a newer version are read without what this one does not know', () => {
    const settings = realmSettings.parse({ name: 'acme', lifetimes: { accessToken: 60 } });
    const text = codec.encodeSettings(settings);
    const newer = text
      .replace('"accessToken":60', '"accessToken":60,"unheardOf":1')
      .replace('{"v"', '{"x":1,"v"');

    expect(newer).toContain('unheardOf');
    expect(codec.decodeSettings(settingsKey('acme'), newer)).toEqual(settings);
  });

  it('of an older version get the defaults of what they do not have', () => {
    expect(codec.decodeClient(clientKey('acme', 'old'), '{"v":1,"client":{"id":"old"}}')).toEqual(
      client.parse({ id: 'old' }),
    );
  });

  it('give a secret only in the place where it was sealed', () => {
    const text = codec.encodeClient('acme', web);

    expect(codec.decodeClient(clientKey('acme', 'web'), text)).toEqual(web);
    expect(() => codec.decodeClient(clientKey('globex', 'web'), text)).toThrow('does not open');
    expect(() => codec.decodeClient(clientKey('acme', 'other'), text)).toThrow('does not open');
  });

  it('give no secret in the place of the one before', () => {
    const { secret, previousSecret, ...rest } = JSON.parse(codec.encodeClient('acme', web));
    const swapped = JSON.stringify({ ...rest, secret: previousSecret, previousSecret: secret });

    expect(() => codec.decodeClient(clientKey('acme', 'web'), swapped)).toThrow('does not open');
  });

  it('never hold a password', () => {
    const user = {
      id: 'x',
      username: 'ann',
      password: 'correct horse',
      emailVerified: false,
      roles: [],
      attributes: {},
      enabled: true,
      requiredActions: [],
    };

    expect(codec.encodeUser(user)).not.toContain('correct horse');
  });
});

describe('login names', () => {
  it.each([
    ['Ann', 'ann'],
    ['ＡＮＮ', 'ann'],
    ['ﬁne', 'fine'],
    ['É', 'é'],
  ])('%s is %s', (typed, normal) => {
    expect(normalizeLogin(typed)).toBe(normal);
  });

  it('count once when the user name is the address', () => {
    expect(loginsOf({ username: 'Ann@acme.test', email: 'ann@Acme.test' })).toEqual(['ann@acme.test']);
  });
});
