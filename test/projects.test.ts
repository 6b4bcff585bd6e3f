/** No test is forgotten: every test file is in one project, and every project has a command. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { projects } from '../config/vitest.ts';

const cwd = fileURLToPath(new URL('..', import.meta.url));
const files = globSync('test/**/*.test.ts', { cwd }).sort();

it('has every test file in exactly one project', () => {
  const listed = Object.values(projects).flatMap((patterns) => globSync([...patterns], { cwd }));

  expect(listed.sort()).toEqual(files);
});

it('has a command for every project', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

  const commands = Object.keys(projects).map((name) => scripts[`test:${name}`]);

  expect(commands).toEqual(
    Object.keys(projects).map((name) => `vitest run --config config/vitest.ts --project ${name}`),
  );
});
