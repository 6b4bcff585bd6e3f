/** The guide "A dashboard in ten minutes", step by step as it stands, on the demo realms and on another port. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { freePort } from '../support/free-port.ts';
import { type Demo, startDemo } from './demo-support.ts';

const run = promisify(execFile);

type Block = { readonly language: string; readonly text: string };

/** The blocks of code of the guide's part, in order. */
async function blocksOfGuide(): Promise<readonly Block[]> {
  const text = await readFile(new URL('../../docs/guest-tokens.md', import.meta.url), 'utf8');
  const [, part = ''] = text.split('\n## A dashboard in ten minutes\n');
  const [guide = ''] = part.split('\n## ');
  return [...guide.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({
    language,
    text: code,
  }));
}

let demo: Demo;
let browser: Browser;
let folder: string;
let embed: ChildProcess;
let embedUrl: string;
/** Of the shell, without the one that starts the server. */
let shell: readonly string[];

beforeAll(async () => {
  [demo, browser, folder] = await Promise.all([
    startDemo(),
    launchChromium(),
    mkdtemp(join(tmpdir(), 'daypass-guide-')),
  ]);
  const blocks = await blocksOfGuide();
  shell = blocks
    .filter(({ language, text }) => language === 'sh' && !text.includes('npm install'))
    .map(({ text }) => here(text));
  const port = await freePort();
  embedUrl = `http://localhost:${port}`;
  const script = blocks.find(({ language }) => language === 'js')?.text ?? '';
  await writeFile(join(folder, 'embed.mjs'), script.replaceAll('4000', String(port)));
});
afterAll(async () => {
  embed?.kill();
  await Promise.all([browser?.close(), demo?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

/** The guide tells to put one's own port here, and files of the test go into a folder of the test. */
const here = (text: string) =>
  text.replaceAll('http://localhost:3000', demo.url).replaceAll('/tmp/', `${folder}/`);

/** All of these in one shell, with the Node of the packages. */
async function inShell(...commands: readonly (string | undefined)[]): Promise<string> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` };
  return (await run('sh', ['-ec', commands.join('\necho\n')], { env, cwd: folder })).stdout;
}

describe('the guide', () => {
  it('mints, asks and revokes with the lines that it shows', async () => {
    const [minting, asking, killing] = shell;

    const minted = JSON.parse(await inShell(minting));
    const allowed = JSON.parse(await inShell(minting, asking).then(lastLine));
    const dead = JSON.parse(await inShell(minting, asking, killing).then(lastLine));

    expect(minted).toMatchObject({
      id: expect.stringMatching(/^gt_/),
      token: expect.stringMatching(/^dpg_/),
    });
    expect(allowed).toMatchObject({ active: true, allowed: true, policy: { sql: { sqlite: {} } } });
    expect(dead).toEqual({ active: false, guest_reason: 'revoked' });
  });

  it('embeds a dashboard for two customers, and takes it back from one', async () => {
    expect(shell[3]).toBe('npx node embed.mjs\n');
    const env = { ...process.env, ACME: `${demo.url}/realms/acme` };
    embed = spawn(process.execPath, ['embed.mjs'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (embed.stdout) await once(embed.stdout, 'data');
    const open = async (path: string) => {
      const page = await browser.newPage();
      await page.goto(`${embedUrl}${path}`);
      return page;
    };
    const [blue, green] = [await open('/blue'), await open('/green')];
    await blue.getByText('Sails: 120').waitFor();
    await green.getByText('Seeds: 30').waitFor();
    expect([await blue.locator('tr').count(), await green.locator('tr').count()]).toEqual([2, 1]);

    await inShell(`ACME=${demo.url}/realms/acme`, shell[4]);

    await blue.getByText('Access was withdrawn: 401').waitFor();
    expect(await green.locator('tr').allTextContents()).toEqual(['Seeds: 30']);
    expect((await fetch(`${embedUrl}/favicon.ico`)).status).toBe(404);
  });
});

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
