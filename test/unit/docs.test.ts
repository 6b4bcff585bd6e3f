import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { callers } from '../../src/http/routes.ts';
import { runCommand } from '../support/command.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root });

describe('the documentation', () => {
  it.each(documents)('%s links to what is there', (name) => {
    const links = [...read(name).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
      ([, link = '']) => link,
    );

    expect(links.filter((link) => !existsSync(join(root, dirname(name), link)))).toEqual([]);
  });

  it('quotes tests by names that they have', () => {
    const missing = quotedTests(read('docs/security.md')).filter(
      ({ file, name }) => !titlesIn(join('test', file)).includes(name),
    );

    expect(missing).toEqual([]);
  });
});

describe('the map of addresses', () => {
  it('is what the command prints, no more and no less', async () => {
    const { code, stdout } = await runCommand(['routes']);

    const printed = stdout.trim().split('\n');
    expect([code, printed.length > 50]).toEqual([0, true]);
    expect(rowsOf('docs/addresses.md', 'All addresses').map((cells) => cells.join('\t'))).toEqual(printed);
  });

  it('explains everybody who may call', () => {
    expect(rowsOf('docs/addresses.md', 'Who may call').map(([who]) => who)).toEqual(Object.keys(callers));
  });
});

/** The cells of the table below a heading, without backticks. */
function rowsOf(name: string, heading: string): readonly (readonly string[])[] {
  const [, part = ''] = read(name).split(`## ${heading}\n`);
  const [, , ...rows] = (part.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

function read(name: string): string {
  return readFileSync(join(root, name), 'utf8');
}

/** `flows/a.test.ts` "one" "two": the names after a file are of tests in it. */
function quotedTests(text: string): readonly { file: string; name: string }[] {
  return [...text.matchAll(/`([\w/-]+\.test\.ts)`((?: "[^"]+")*)/g)].flatMap(([, file = '', names = '']) => [
    { file, name: '' },
    ...[...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })),
  ]);
}

/** The test file's text without the quotes' escapes; nothing when there is no such file. */
function titlesIn(path: string): string {
  return existsSync(join(root, path)) ? read(path).replaceAll("\\'", "'") : '-';
}
