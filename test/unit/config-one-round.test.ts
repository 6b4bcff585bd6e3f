/** One check tells all that can be known: a fault hides no other, and brings none with it that only follows from it. */
import { describe, expect, it } from 'vitest';
import { readRealmFiles } from '../../src/config/realm-files.ts';
import { faultsOf, folderWith } from './config-support.ts';

const full = (changes: Partial<Record<'lifetimes' | 'api' | 'role' | 'client' | 'user', string>> = {}) => ({
  'acme.yaml': `name: acme
lifetimes: ${changes.lifetimes ?? '{ accessToken: 60 }'}
apis:
  - ${changes.api ?? '{ id: analytics, audience: "https://a.test", permissions: [{ name: read }] }'}
roles:
  - ${changes.role ?? '{ name: analyst, permissions: [analytics:read] }'}
clients:
  - ${changes.client ?? '{ id: web, secret: web-secret-1, grants: [client_credentials], roles: [analyst] }'}
users:
  - ${changes.user ?? '{ username: ann, roles: [analyst], password: a-good-password-1 }'}
`,
});

describe('one check', () => {
  it('has nothing against a file in order', async () => {
    expect(await faultsOf(full())).toEqual([]);
  });

  it('tells faults of settings, clients and users at once', async () => {
    const faults = await faultsOf(
      full({
        lifetimes: '{ accessToken: 0 }',
        role: '{ name: analyst, permissions: [analytics:raed] }',
        client:
          '{ id: web, secret: web-secret-1, enabled: 1, redirectUris: ["http://a.test/cb"], roles: [analist] }',
        user: '{ username: ann, email: nobody, roles: [nobody], password: short }',
      }),
    );

    expect(faults.map((fault) => fault.replace(/^acme.yaml:\d+:\d+ /, ''))).toEqual([
      'lifetimes.accessToken: must be at least 1',
      'roles[0].permissions[0]: there is no permission "analytics:raed", did you mean "analytics:read"?',
      'clients[0].enabled: must be true or false, not a number',
      'clients[0].redirectUris[0]: http is only for loopback',
      'clients[0].roles[0]: there is no role "analist", did you mean "analyst"?',
      'users[0].email: must be an e-mail address',
      'users[0].roles[0]: there is no role "nobody"',
      'users[0].password: has fewer than 8 characters (passwords.minLength)',
    ]);
  });

  it.each([
    [
      'a role of a wrong form does not make its users wrong',
      { role: '{ name: analyst, permissions: read }' },
      'roles[0].permissions: must be a list, not text',
    ],
    [
      'a role with a misspelt name does not either',
      { role: '{ nmae: analyst, permissions: [analytics:read] }' },
      'roles[0].nmae: there is no such field, did you mean "name"?',
    ],
    [
      'an API of a wrong form does not make its permissions unknown',
      { api: '{ id: analytics, audience: nowhere, permissions: [{ name: read }] }' },
      'apis[0].audience: must be an absolute address',
    ],
    [
      'a secret that is too short does not make its client one without a secret',
      { client: '{ id: web, secret: short, grants: [client_credentials], roles: [analyst] }' },
      'clients[0].secret: must have at least 8 characters',
    ],
  ])('%s', async (_, changes, fault) => {
    const faults = await faultsOf(full(changes));

    expect(faults.filter((one) => !one.includes('roles[0].name: is missing'))).toEqual([
      expect.stringContaining(fault),
    ]);
  });
});

it('a name that is none hides nothing', async () => {
  const files = full({ user: '{ username: ann, roles: [nobody] }' });

  expect(await faultsOf({ 'acme.yaml': files['acme.yaml'].replace('name: acme', 'name: Acme Inc') })).toEqual(
    [
      expect.stringContaining('name: lower-case letters'),
      expect.stringContaining('name: must be "acme"'),
      expect.stringContaining('users[0].roles[0]: there is no role "nobody"'),
    ],
  );
});

describe('a password in a realm file', () => {
  const withPassword = (text: string, policy = '') => ({
    'acme.yaml': `name: acme\n${policy}users:\n  - username: ann.lee\n    email: ann@lee.test\n    ${text}\n`,
  });

  it.each([
    ['short', 'password: abc', 'has fewer than 8 characters (passwords.minLength)'],
    ['the user name', 'password: ANN.LEE.', undefined],
    ['the user name itself', 'password: "ann.lee"', 'has fewer than 8 characters'],
    ['the address', 'password: ANN@lee.test', 'is the e-mail address'],
    ['a common one', 'password: Password123', 'is one of the most common passwords'],
  ])('keeps to the policy: %s', async (_, line, words) => {
    const faults = await faultsOf(withPassword(line));

    expect(faults[0]).toEqual(words && expect.stringContaining(`users[0].password: ${words}`));
  });

  it('keeps to the policy of its realm, and a hash to none', async () => {
    const longer = 'passwords: { minLength: 20 }\n';

    expect(await faultsOf(withPassword('password: a-good-password', longer))).toEqual([
      expect.stringContaining('has fewer than 20 characters'),
    ]);
    const hash = `passwordHash: "$2b$10$${'a'.repeat(53)}"`;
    expect(await faultsOf(withPassword(hash, longer))).toEqual([]);
  });

  it('is not repeated in a fault', async () => {
    expect((await faultsOf(withPassword('password: Passw0rd'))).join()).not.toContain('Passw0rd');
  });
});

describe('faults in our words', () => {
  it.each([
    ['enabled: yes', 'must be true or false, not text: write true'],
    ['displayName: 2026', 'must be text, not a number: put it in quotes'],
    ['displayName:', 'must be text, not nothing'],
    ['acrValues: one', 'must be a list, not text'],
    ['lifetimes: { accessToken: 1.5 }', 'must be a whole number'],
    ['login: { color: red }', 'must be a colour such as #1a2b3c'],
    ['quotas: { guestTokensPerMinute: many }', 'must be a number or unlimited'],
    [
      'clients: [{ id: web, redirectUris: [app] }]',
      'must be an absolute address, such as https://app.example.com/',
    ],
    ['users: [{ username: a, id: 12 }]', 'must be text, not a number: put it in quotes'],
    ['users: [{ username: a, passwordHash: x }]', 'must begin with $argon2id$'],
    ['displayName: a\ndisplayName: b', 'this field is there twice: leave one of them out'],
    ['\tdisplayName: a', 'by spaces, not by tabs'],
  ])('say what a value must be: %s', async (line, words) => {
    const faults = await faultsOf({ 'acme.yaml': `name: acme\n${line}\n` });

    expect(faults.join('\n')).toContain(words);
    expect(faults.join('\n')).not.toMatch(/Invalid|expected|Too (big|small)/);
  });
});

describe('files that are not read', () => {
  it('are named, unless they are hidden', async () => {
    const files = {
      'acme.yaml': 'name: acme\n',
      'globex.yaml.bak': 'x',
      'initech.json': '{}',
      '../acme.yml': 'name: acme\n',
      '.globex.yaml.swp': 'x',
    };
    const folder = await folderWith(files);

    const { passedOver } = await readRealmFiles(folder, {});

    expect(passedOver.map((path) => path.replace(`${folder}/`, ''))).toEqual([
      'acme.yml',
      'realms/globex.yaml.bak',
      'realms/initech.json',
    ]);
  });
});

it('claims of the realm have names that nothing else has', async () => {
  const claims = 'claims: [{ name: department }, { name: sub }, { name: department }, { name: "a b" }]';

  expect(await faultsOf({ 'acme.yaml': `name: acme\n${claims}\n` })).toEqual([
    expect.stringContaining('claims[3].name: letters, digits'),
  ]);
  expect(await faultsOf({ 'acme.yaml': `name: acme\n${claims.replace(', { name: "a b" }', '')}\n` })).toEqual(
    [
      expect.stringContaining('claims[1].name: "sub" has a meaning of its own'),
      expect.stringContaining('claims[2].name: claim "department" is there twice'),
    ],
  );
});
