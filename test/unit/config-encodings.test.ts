/** What a realm file may hold that would be taken for something else: other encodings, hashes that match nothing. */
import { describe, expect, it } from 'vitest';
import { faultsOf } from './config-support.ts';

const withHash = (hash: string) => ({
  'acme.yaml': `name: acme\nusers:\n  - { username: ann, passwordHash: "${hash}" }\n`,
});
const [salt, tag] = ['c2FsdHNhbHRzYWx0c2FsdA', 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY'];

describe('a password hash in a realm file', () => {
  it.each([
    '$2b$10$tooshort',
    '$argon2id$v=19$m=4194304,t=100,p=1$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b4dWRWJTmaaJObG',
    '$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ',
    `$pbkdf2-sha256$i=10$${salt}$${tag}`,
    `$pbkdf2-sha512$i=210000$${salt}`,
  ])('that no login can be compared with is a fault: %s', async (hash) => {
    expect(await faultsOf(withHash(hash))).toEqual([
      expect.stringMatching(/^acme\.yaml:3:36 users\[0\]\.passwordHash: is cut off, malformed or too costly/),
    ]);
  });

  it.each([`$pbkdf2-sha256$27500$${salt}$${tag}`, `$pbkdf2-sha256$i=27500$${salt}$${tag}`])(
    'is taken: %s',
    async (hash) => {
      expect(await faultsOf(withHash(hash))).toEqual([]);
    },
  );
});

it('a realm file that is not UTF-8 is refused with the line', async () => {
  const text = Buffer.from('name: acme\nusers:\n  - { username: m\u00fcller }\n', 'latin1');

  expect(await faultsOf({ 'acme.yaml': text })).toEqual([
    'acme.yaml:3:1 is not UTF-8: save the file in that encoding',
  ]);
});
