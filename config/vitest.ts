import { defineConfig, type TestProjectConfiguration } from 'vitest/config';

/** Every test file is in exactly one project: `test/projects.test.ts` looks. Each project is `npm run test:<name>`. */
export const projects: Readonly<Record<string, readonly string[]>> = {
  /** Parts in this process, without a server. */
  unit: ['test/*.test.ts', 'test/unit/**/*.test.ts'],
  /** A real server, store or command, asked as its users ask. */
  flows: ['flows', 'admin', 'cli', 'facades', 'conformance'].map((folder) => `test/${folder}/**/*.test.ts`),
  /** What others have written against us: client libraries, adapters, frameworks. */
  interop: ['test/interop/**/*.test.ts'],
};

function projectOf([name, include]: readonly [string, readonly string[]]): TestProjectConfiguration {
  return {
    test: {
      name,
      include: [...include],
      globalSetup: ['test/support/global-setup.ts'],
      testTimeout: 120_000,
      hookTimeout: 120_000,
      // A machine may be slow: what is waited for comes, or the test fails after as long as it may take.
      expect: { poll: { timeout: 60_000 } },
      pool: 'forks',
    },
  };
}

export default defineConfig({
  test: { maxWorkers: 2, projects: Object.entries(projects).map(projectOf) },
});
