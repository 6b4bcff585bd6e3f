/** The page at the public address, and what tells which build runs. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { get } from '../support/http.ts';
import { acme } from '../support/realms.ts';
import { startTestServer } from '../support/server.ts';
import { useServer } from '../support/use-server.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const realms = [acme({ displayName: 'Acme Analytics' }), acme({ name: 'shut', enabled: false })];

describe('GET / in development', () => {
  const server = useServer({ realms });

  it('says what runs, and links to each realm’s account page and metadata', async () => {
    const page = await get(`${server.url}/`);

    expect(page.status).toBe(200);
    expect(page.text).toContain('Acme Analytics');
    expect(page.text).toContain('href="/realms/acme/account"');
    expect(page.text).toContain('href="/realms/acme/.well-known/openid-configuration"');
    expect(page.text).toContain(`Version ${version}`);
  });

  it('names neither a disabled realm nor a demo that is not there', async () => {
    const page = await get(`${server.url}/`);

    expect(page.text).not.toContain('/realms/shut');
    expect(page.text).not.toContain('/demo');
  });

  it('speaks the language of the browser, and needs no script', async () => {
    const page = await get(`${server.url}/`, { 'accept-language': 'de' });

    expect(page.text).toContain('Daypass läuft');
    expect(page.text).not.toContain('<script');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('has the style that it asks for', async () => {
    const page = await get(`${server.url}/`);
    const [, sheet = ''] = /rel="stylesheet" href="([^"]+)"/.exec(page.text) ?? [];

    const style = await get(new URL(sheet, server.url).href);

    expect([style.status, style.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
  });

  it('is counted with the build of the server', async () => {
    const { text } = await get(`${server.adminUrl}/metrics`);

    expect(text).toContain(`daypass_build_info{version="${version}",node="${process.version}"} 1`);
  });
});

it('is bare in production: no version, no realm', async () => {
  const server = await startTestServer({
    realms,
    adapt: (services) => ({ ...services, settings: { ...services.settings, production: true } }),
  });

  const page = await get(`${server.url}/`);

  await server.stop();
  expect(page.status).toBe(200);
  expect(page.text).toContain('signs people in');
  for (const word of [version, 'acme', 'Acme', 'demo', 'routes']) expect(page.text).not.toContain(word);
});

it.each(['--version', '-V'])('daypass %s tells the version', async (option) => {
  expect((await runCommand([option])).stdout).toBe(`${version}\n`);
});
