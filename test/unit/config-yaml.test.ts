/** YAML as operators write it: merge keys, references in braces, and which files are read at all. */
import { describe, expect, it } from 'vitest';
import { loadRealmFiles } from '../../src/config/realm-files.ts';
import { faultsOf, folderWith } from './config-support.ts';

describe('a realm file', () => {
  it('may use merge keys', async () => {
    const text = `name: acme
clients:
  - &base
    id: one
    public: true
    grants: [authorization_code]
    redirectUris: [https://one.test/cb]
  - <<: *base
    id: two
`;
    const [realm] = await loadRealmFiles(await folderWith({ 'acme.yaml': text }), {});

    const [one, two] = realm?.file.clients ?? [];
    expect(two).toEqual({ ...one, id: 'two' });
  });

  it.each([
    [`name: acme\nlifetimes: { accessToken: \${TTL} }\napis: []\n`, '2:27'],
    [`name: acme\nacrValues: [\${A}, \${B}]\n`, '2:13'],
    [`name: acme\nclients: [{ id: a, secret: \${S} }, { id: b, secret: \${T} }]\n`, '2:28'],
  ])('with an unquoted reference in braces has one fault: %j', async (text, place) => {
    expect(await faultsOf({ 'acme.yaml': text }, { TTL: '60' })).toEqual([
      `acme.yaml:${place} a reference inside { } or [ ] needs quotes: "\${NAME}"`,
    ]);
  });

  it('has no secret that Basic cannot carry', async () => {
    const client = (secret: string) => `name: acme\nclients:\n  - { id: a, secret: "${secret}" }\n`;

    expect(await faultsOf({ 'acme.yaml': client('geheimnis-mit-\u00fc') })).toEqual([
      'acme.yaml:3:22 clients[0].secret: must hold printable ASCII only: HTTP cannot carry anything else',
    ]);
    expect(await faultsOf({ 'acme.yaml': client('with: colon, and space') })).toEqual([]);
  });

  it('is read whatever the case of its ending, unless it is hidden', async () => {
    const files = { 'acme.YAML': 'name: acme\n', '.globex.yaml': 'name: [', 'notes.txt': 'x' };

    const realms = await loadRealmFiles(await folderWith(files), {});

    expect(realms.map(({ name }) => name)).toEqual(['acme']);
  });
});
