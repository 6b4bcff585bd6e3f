/** Who may know whom. The tables are the architecture: what the code does beyond them, this test refuses. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** From a folder, or a file at the top, to what it may import besides itself; types count like anything else. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'base/': [],
  'observability/': ['base/'],
  'http/': ['base/', 'observability/'],
  'storage/': ['base/', 'observability/'],
  'limits/': ['base/', 'observability/', 'storage/store.ts'],
  'keys/': ['base/', 'observability/', 'storage/store.ts'],
  'revocation/': ['base/', 'storage/store.ts'],
  'registry/': ['base/', 'observability/', 'storage/store.ts', 'revocation/'],
  'tokens/': ['base/', 'observability/', 'storage/store.ts', 'keys/', 'revocation/', 'registry/'],
  'guest/': [
    'base/',
    'observability/',
    'storage/store.ts',
    'limits/',
    'keys/',
    'revocation/',
    'registry/',
    'tokens/',
  ],
  'oidc/': [
    'base/',
    'observability/',
    'storage/store.ts',
    'limits/',
    'keys/',
    'revocation/',
    'registry/',
    'tokens/',
    'guest/',
  ],
  'pages/': ['base/', 'observability/', 'http/', 'registry/', 'oidc/'],
  'guest-api/': [
    'base/',
    'observability/',
    'http/',
    'limits/',
    'revocation/',
    'registry/',
    'tokens/',
    'guest/',
    'oidc/',
  ],
  'facades/': [
    'base/',
    'observability/',
    'storage/store.ts',
    'http/',
    'limits/',
    'revocation/',
    'registry/',
    'tokens/',
    'guest/',
  ],
  // What an embedding product would write: it uses the server from outside, but for what the page shows.
  'demo/': ['base/', 'observability/', 'http/', 'registry/', 'guest/'],
  // Settings are checked with the model's own schemas; nothing below reads them.
  'config/': [
    'base/',
    'revocation/life.ts',
    'registry/',
    'storage/address.ts',
    'guest/ceiling.ts',
    'guest/guest-policy.ts',
    'facades/databrain/options.ts',
    'facades/semaphor/options.ts',
    'facades/informer/options.ts',
  ],
  'services.ts': [
    'base/',
    'observability/',
    'storage/',
    'limits/',
    'keys/',
    'revocation/',
    'registry/',
    'tokens/',
    'guest/',
    // The registry is told what a change of a section takes away, and knows no product.
    'facades/section-change.ts',
    'config/settings.ts',
  ],
  'server.ts': [
    'services.ts',
    'base/',
    'observability/',
    'http/',
    'guest/',
    'oidc/',
    'pages/',
    'guest-api/',
    'facades/',
    'demo/',
  ],
  'cli/': [
    'base/',
    'observability/',
    'storage/store.ts',
    'revocation/',
    'registry/',
    'tokens/',
    'guest/trail-chain.ts',
    'oidc/signing-algorithms.ts',
    'demo/demo-realm.ts',
    // An invitation is a token that the realm's provider makes.
    'oidc/provider-pool.ts',
    'oidc/record-placement.ts',
    'pages/screens.ts',
    'config/',
    'services.ts',
    'server.ts',
  ],
  'main.ts': ['cli/'],
};

/** Their subfolders know nothing of one another. */
const independent = ['storage/', 'facades/'];

/** Where a package or a global may be used at all. */
const confined: Readonly<Record<string, readonly string[]>> = {
  "'ioredis": ['storage/redis/'],
  "'node:sqlite": ['storage/embedded/', 'demo/'],
  "'oidc-provider": ['oidc/'],
  "'jose": ['keys/', 'oidc/', 'guest/'],
  "'eta": ['pages/', 'demo/'],
  "'yaml": ['config/'],
  "'bcrypt": ['registry/'],
  "'tldts": ['guest/bindings.ts'],
  "'pino": ['observability/'],
  "'prom-client": ['observability/'],
  "'node:cluster": ['cli/'],
  'process.env': ['config/'],
  'process.exit': ['cli/', 'main.ts'],
  'Date.now(': ['base/clock.ts'],
  'new Date()': ['base/clock.ts'],
  'Math.random(': [],
};

const root = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .sort();
const code = new Map(files.map((file) => [file, withoutComments(readFileSync(join(root, file), 'utf8'))]));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

describe('the architecture', () => {
  it.each(files)('%s imports only what its place may', (file) => {
    const allowed = mayImport[placeOf(file)];

    expect(allowed, `a line for ${placeOf(file)} in the table`).toBeDefined();
    expect(outside([placeOf(file), ...(allowed ?? [])], imports.get(file))).toEqual([]);
  });

  it('has no line for a place that is not there', () => {
    const places = new Set(files.map(placeOf));

    expect(Object.keys(mayImport).filter((place) => !places.has(place))).toEqual([]);
  });

  it.each(independent)('keeps the subfolders of %s apart', (folder) => {
    const crossing = files.flatMap((file) => {
      const own = subfolderOf(folder, file);
      const targets = (imports.get(file) ?? []).map((target) => subfolderOf(folder, target));
      return own === undefined ? [] : targets.filter((other) => other !== undefined && other !== own);
    });

    expect(crossing).toEqual([]);
  });

  it.each(Object.entries(confined))('uses %s only in its places', (text, places) => {
    const users = files.filter((file) => code.get(file)?.includes(text));

    expect(outside(places, users)).toEqual([]);
  });

  it('has no import cycle', () => {
    expect(files.flatMap((file) => pathTo(file, file) ?? [])).toEqual([]);
  });

  it('has nothing that main.ts does not reach', () => {
    const reached = reachedFrom('main.ts');

    expect(files.filter((file) => !reached.has(file))).toEqual([]);
  });
});

/** Leaves what stands in strings and at the end of lines: good enough for names that nobody writes by chance. */
function withoutComments(text: string): string {
  return text.replace(/^\s*\/\*[\s\S]*?\*\//gm, '').replace(/^\s*\/\/.*$/gm, '');
}

/** Relative specifiers stand in single quotes (the formatter sees to that) after `from`, `import` or `import(`. */
function importsOf(file: string): readonly string[] {
  const specifiers = (code.get(file) ?? '').matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
  return [...specifiers]
    .map(([, specifier = '']) => normalize(join(dirname(file), specifier)))
    .filter((target) => target.endsWith('.ts'));
}

function placeOf(file: string): string {
  return file.replace(/\/.*/, '/');
}

function subfolderOf(folder: string, file: string): string | undefined {
  return file.startsWith(folder) ? /^([^/]+)\//.exec(file.slice(folder.length))?.[1] : undefined;
}

/** The names that are in none of the places: folders end in a slash, files are themselves. */
function outside(places: readonly string[], names: readonly string[] = []): readonly string[] {
  const isInside = (name: string) =>
    places.some((place) => (place.endsWith('/') ? name.startsWith(place) : name === place));
  return names.filter((name) => !isInside(name));
}

function reachedFrom(start: string): ReadonlySet<string> {
  const reached = new Set([start]);
  for (const file of reached) for (const target of imports.get(file) ?? []) reached.add(target);
  return reached;
}

/** The shortest way along imports, as `a → b → c`. */
function pathTo(from: string, to: string): string | undefined {
  const ways = new Map((imports.get(from) ?? []).map((target) => [target, `${from} → ${target}`]));
  for (const [file, way] of ways) {
    if (file === to) return way;
    for (const target of imports.get(file) ?? [])
      if (!ways.has(target)) ways.set(target, `${way} → ${target}`);
  }
  return undefined;
}
