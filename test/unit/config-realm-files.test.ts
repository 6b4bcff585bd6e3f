import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ConfigFaults } from '../../src/config/faults.ts';
import { loadRealmFiles } from '../../src/config/realm-files.ts';
import { faultsOf, folderWith, head, withClient, withHead } from './config-support.ts';

describe('realm files', () => {
  it('are all loaded, by name, as they are written', async () => {
    const folder = await folderWith({
      'b.yaml': 'name: b',
      'a.yaml': head.replace('acme', 'a'),
      'notes.txt': '',
    });

    const realms = await loadRealmFiles(folder, {});

    expect(realms.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(realms[1]?.file).toEqual({ name: 'b' });
    expect(realms[0]?.path).toBe(join(folder, 'realms', 'a.yaml'));
  });

  it('of this repository hold the demo realms, which production refuses', async () => {
    const realms = await loadRealmFiles('config', {});

    expect(realms.map(({ name, file }) => [name, file.demo])).toEqual([
      ['acme', true],
      ['globex', true],
    ]);
    const error = await loadRealmFiles('config', { NODE_ENV: 'production' }).catch((thrown) => thrown);
    expect(error.faults).toEqual([
      expect.stringMatching(/^config\/realms\/acme\.yaml:\d+:7 demo: the secrets of a demo realm are public/),
      expect.stringMatching(
        /^config\/realms\/globex\.yaml:\d+:7 demo: the secrets of a demo realm are public/,
      ),
    ]);
  });

  it.each([
    [{}, 'http://localhost:3000'],
    [{ PORT: '3100' }, 'http://localhost:3100'],
    [{ PORT: '3100', DAYPASS_URL: 'https://id.example.com/sso/' }, 'https://id.example.com/sso'],
  ])('lead people of the demo to the server itself: %j', async (env, url) => {
    const [acme] = await loadRealmFiles('config', env);

    const signIn = acme?.file.clients?.find(({ id }) => id === 'dc-ui');
    expect(signIn?.redirectUris).toEqual([`${url}/demo/callback`]);
    expect(acme?.file.compat?.['informer']).toMatchObject({ viewer: `${url}/demo/report?token={token}` });
  });

  it('must have a folder', async () => {
    await expect(loadRealmFiles('/nowhere', {})).rejects.toThrow('/nowhere/realms: cannot be read');
  });
});

describe('a file that cannot be read', () => {
  it('is named, beside the faults of the others', async () => {
    const folder = await folderWith({ 'acme.yaml': 'name: other\n' });
    await mkdir(join(folder, 'realms', 'folder.yaml'));

    const faults = await loadRealmFiles(folder, {}).catch((error: ConfigFaults) => error.faults);

    expect(faults).toEqual([
      expect.stringMatching(/acme\.yaml:1:7 name: must be "acme"/),
      expect.stringMatching(/folder\.yaml: cannot be read: EISDIR$/),
    ]);
  });
});

describe('secrets from the environment', () => {
  const files = withClient(
    `    secret: '\${WEB_SECRET}'\n    clientName: 'costs $\${5}'\n    roles: [analyst]\n`,
  );

  it('replace their references', async () => {
    const [realm] = await loadRealmFiles(await folderWith(files), { WEB_SECRET: 'from-outside' });

    expect(realm?.file.clients?.[0]).toMatchObject({ secret: 'from-outside', clientName: `costs \${5}` });
  });

  it.each([{}, { WEB_SECRET: '' }])('are missed with %j', async (env) => {
    expect(await faultsOf(files, env)).toEqual([
      `acme.yaml:10:13 the environment variable of \${WEB_SECRET} is not set`,
    ]);
  });

  it.each([`\${`, `\${}`, `\${A-B}`, `x\${y`])('cannot be asked for by %s', async (text) => {
    expect(await faultsOf(withHead(`displayName: '${text}'\n`))).toEqual([
      expect.stringMatching(/^acme\.yaml:8:14 ".*" is no reference/),
    ]);
  });
});

describe('a fault', () => {
  it.each<[string, Record<string, string>, string]>([
    [
      'an unknown field',
      withHead('dispalyName: Acme\n'),
      'acme.yaml:8:1 dispalyName: there is no such field, did you mean "displayName"?',
    ],
    [
      'an unknown field deep inside',
      withHead('lifetimes:\n  acessToken: 60\n'),
      'acme.yaml:9:3 lifetimes.acessToken: there is no such field, did you mean "accessToken"?',
    ],
    [
      'an unknown field in a list',
      withClient('    redirectUri: https://a.test/\n'),
      'acme.yaml:10:5 clients[0].redirectUri: there is no such field, did you mean "redirectUris"?',
    ],
    ['a field like no other', withHead('zzzzzz: 1\n'), 'acme.yaml:8:1 zzzzzz: there is no such field'],
    [
      'a value that is not among the known ones',
      withClient('    grants: [pasword]\n'),
      'acme.yaml:10:14 clients[0].grants[0]: must be one of authorization_code, refresh_token, client_credentials, ' +
        'password, urn:ietf:params:oauth:grant-type:device_code, urn:openid:params:grant-type:ciba, ' +
        'urn:ietf:params:oauth:grant-type:token-exchange, did you mean "password"?',
    ],
    [
      'a value in none of its forms',
      withHead('profile: keycloak\nbadCredentialsStatus: 500\n'),
      'acme.yaml:9:23 badCredentialsStatus: must be one of 400, 401',
    ],
    [
      'a value of another type',
      withHead('enabled: maybe\n'),
      'acme.yaml:8:10 enabled: must be true or false, not text',
    ],
    [
      'a missing field',
      withHead('users:\n  - email: a@b.test\n'),
      'acme.yaml:9:5 users[0].username: is missing',
    ],
    [
      'a name that is there twice',
      withHead('apis: []\n'),
      'acme.yaml:8:1 this field is there twice: leave one of them out',
    ],
    [
      'a broken text',
      withHead('enabled: "yes\n'),
      'acme.yaml:9:1 a closing quote, bracket or brace, or a comma or colon, is missing before here',
    ],
    [
      'a life beyond the longest',
      withHead('lifetimes: { offlineMax: 5184001 }\n'),
      'acme.yaml:8:26 lifetimes.offlineMax: must be at most 5184000',
    ],
    [
      'another name than the file',
      { 'acme.yaml': 'name: other\n' },
      'acme.yaml:1:7 name: must be "acme", as the file is named',
    ],
    ['no realm at all', { 'acme.yaml': '- a\n' }, 'acme.yaml:1:1 realm: must be a map of fields, not a list'],
    ['an empty file', { 'acme.yaml': '' }, 'acme.yaml:1:1 realm: must be a map of fields, not nothing'],
    [
      'an unknown role of a client',
      withClient('    roles: [analist]\n'),
      'acme.yaml:10:13 clients[0].roles[0]: there is no role "analist", did you mean "analyst"?',
    ],
    [
      'an unknown role of a user',
      withHead('users:\n  - { username: ann, roles: [analyst, nobody] }\n'),
      'acme.yaml:9:39 users[0].roles[1]: there is no role "nobody"',
    ],
    [
      'an unknown permission of a ceiling',
      withClient('    permissions: [analytics:reports:raed]\n'),
      'acme.yaml:10:19 clients[0].permissions[0]: there is no permission "analytics:reports:raed", ' +
        'did you mean "analytics:reports:read"?',
    ],
    [
      'an unknown API',
      withClient('    secret: web-secret\n    introspects: [analytic]\n'),
      'acme.yaml:11:19 clients[0].introspects[0]: there is no API "analytic", did you mean "analytics"?',
    ],
    [
      'a second client of one id',
      withClient('  - id: web\n'),
      'acme.yaml:10:9 clients[1].id: client "web" is there twice',
    ],
    [
      'a second user of one name',
      withHead('users:\n  - username: ann\n  - username: ANN\n'),
      'acme.yaml:10:15 users[1].username: user name or e-mail address "ann" is there twice',
    ],
    [
      "an e-mail address that is another user's name",
      withHead('users:\n  - username: a@b.test\n  - { username: x, email: A@b.test }\n'),
      'acme.yaml:10:27 users[1].email: user name or e-mail address "a@b.test" is there twice',
    ],
    [
      'a user with a password and a hash',
      withHead("users:\n  - username: ann\n    password: abc\n    passwordHash: '$argon2id$x'\n"),
      'acme.yaml:11:19 users[0].passwordHash: either a password or its hash, not both',
    ],
    [
      'a hash of an unknown kind',
      withHead("users:\n  - username: ann\n    passwordHash: '{MD5}abc'\n"),
      'acme.yaml:10:19 users[0].passwordHash: must begin with $argon2id$, $pbkdf2-sha256$, $pbkdf2-sha512$ or $2b$',
    ],
    [
      'an option for another profile',
      withHead('badCredentialsStatus: 400\n'),
      'acme.yaml:8:23 badCredentialsStatus: is only for profile: keycloak',
    ],
  ])('tells of %s where it stands', async (_name, files, fault) => {
    expect(await faultsOf(files)).toContain(fault);
  });

  it('is told together with all others, of every file, in the order of the lines', async () => {
    const faults = await faultsOf({
      'acme.yaml': `${head}clients:
  - id: web
    roles: [analist]
  - id: other
    aplicationType: web
    enabled: 1
`,
      'globex.yaml': 'name: globex\ndemo: yes\n',
    });

    expect(faults).toEqual([
      'acme.yaml:10:13 clients[0].roles[0]: there is no role "analist", did you mean "analyst"?',
      'acme.yaml:12:5 clients[1].aplicationType: there is no such field, did you mean "applicationType"?',
      'acme.yaml:13:14 clients[1].enabled: must be true or false, not a number',
      'globex.yaml:2:7 demo: must be true or false, not text: write true',
    ]);
  });

  it('never repeats a secret', async () => {
    const faults = await faultsOf(withClient(`    secret: '\${SHORT}'\n    public: true\n`), {
      SHORT: 'pssst',
    });

    expect(faults).toHaveLength(1);
    expect(faults.join()).not.toContain('pssst');
  });
});
