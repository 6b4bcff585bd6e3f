/** Who may know whom. The tables are the architecture: what the code does beyond them, this test refuses. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/**
 * The rooms (each folder that holds code, and each file at the top), lowest first, and the rooms that each imports from
 * beside itself. Types count like anything else. Rooms that no line connects know nothing of one another: the store's
 * engines, the surfaces, the facades.
 */
const table = `
base                       >
observability              > base
storage/port               > base
stats                      > base observability storage/port
revocation                 > base observability storage/port
limits                     > base observability storage/port
http                       > base observability storage/port limits
keys                       > base observability storage/port
registry/model             > base storage/port revocation
registry/passwords         > base registry/model
registry/store             > base observability storage/port revocation registry/model
audit                      > base observability storage/port registry/store
audit/export               > base observability storage/port audit
registry/apply             > base storage/port registry/model registry/store
registry                   > base observability storage/port registry/model registry/store registry/apply
doctor                     > base storage/port keys registry/model registry
tokens                     > base storage/port registry/model
guest/grant                > base
guest/limits               > base storage/port revocation limits registry/model guest/grant
guest/record               > base storage/port revocation keys registry/model guest/grant guest/limits
guest/trail                > base observability storage/port revocation guest/grant guest/record
guest/lookup               > base storage/port revocation guest/grant guest/record guest/trail
guest/status               > base storage/port revocation keys guest/limits guest/record guest/lookup
guest/introspection        > base observability storage/port revocation registry/model guest/grant guest/limits
                             guest/record guest/trail guest/lookup
guest/issue                > base storage/port revocation limits keys tokens guest/grant guest/limits
                             guest/record guest/trail guest/lookup guest/status
guest/json                 > base storage/port registry/model guest/grant guest/record guest/lookup
                             guest/introspection guest/issue
guest                      > base observability storage/port limits registry/model guest/grant guest/limits
                             guest/record guest/trail guest/lookup guest/status guest/introspection guest/issue
authn                      > base observability storage/port revocation limits registry/model registry/passwords
                             registry
explain                    > base storage/port revocation registry/model audit registry tokens guest/grant
                             guest/limits guest/record guest authn
surfaces/admin/start       > base registry/model registry authn
oidc/library               > base limits http tokens
oidc/profiles              > base registry/model tokens oidc/library
oidc/realm                 > base observability storage/port limits http keys registry/model registry/passwords
                             registry guest/grant guest/limits guest authn oidc/library oidc/profiles
oidc/proofs                > base storage/port revocation tokens oidc/library oidc/realm
oidc/tokens                > base registry/model oidc/library oidc/profiles oidc/realm
oidc/records               > base storage/port revocation limits keys registry/model tokens oidc/library
                             oidc/profiles oidc/realm
oidc/http                  > storage/port http registry/model oidc/library oidc/realm
oidc/client-auth           > base limits http registry/model oidc/library oidc/realm oidc/proofs oidc/http
oidc/clients               > base registry/model oidc/realm oidc/http
oidc/sessions              > base observability storage/port revocation http registry/model registry/passwords
                             oidc/library oidc/realm oidc/tokens oidc/records oidc/http oidc/clients
oidc/interaction           > base observability storage/port http registry/model authn oidc/library oidc/realm
                             oidc/tokens oidc/records oidc/http oidc/client-auth oidc/sessions
oidc/grants                > base observability storage/port revocation limits http registry/model tokens
                             guest/grant guest/limits guest/record guest/trail guest/issue guest authn
                             oidc/library oidc/realm oidc/proofs oidc/tokens oidc/records oidc/http
                             oidc/client-auth oidc/interaction
oidc/endpoints             > base observability storage/port revocation limits http registry/model tokens
                             guest/record guest/trail guest/introspection guest/issue guest oidc/library
                             oidc/profiles oidc/realm oidc/proofs oidc/tokens oidc/http oidc/client-auth
                             oidc/clients oidc/sessions oidc/grants
oidc/fast-path             > base revocation limits http keys registry/model tokens guest/grant guest
                             oidc/library oidc/realm oidc/tokens oidc/http oidc/client-auth oidc/grants
                             oidc/endpoints
oidc/provider              > base storage/port revocation http keys registry/model guest/record oidc/library
                             oidc/profiles oidc/realm oidc/proofs oidc/tokens oidc/records oidc/http
                             oidc/client-auth oidc/clients oidc/sessions oidc/interaction oidc/grants
                             oidc/endpoints oidc/fast-path
surfaces/admin/shared      > base observability storage/port stats revocation http keys registry/model
                             registry/passwords registry/store audit registry tokens guest/grant guest authn
                             oidc/realm oidc/proofs oidc/provider
surfaces/admin/tokens      > base storage/port revocation http tokens guest/grant guest/trail guest/lookup
                             guest/issue guest/json explain oidc/profiles oidc/realm oidc/tokens oidc/endpoints
                             surfaces/admin/shared
surfaces/admin/openapi     > base http surfaces/admin/shared
surfaces/admin/realm       > stats revocation http keys registry/model registry/store audit doctor
                             surfaces/admin/shared
surfaces/admin/compat      > base http registry/model surfaces/admin/shared surfaces/admin/realm
surfaces/admin/people      > base revocation http registry/model registry/passwords registry/store guest/grant
                             authn oidc/sessions surfaces/admin/shared
surfaces/admin/clients     > base revocation http registry/model registry/store oidc/provider
                             surfaces/admin/shared
surfaces/admin             > http surfaces/admin/shared surfaces/admin/tokens surfaces/admin/openapi
                             surfaces/admin/realm surfaces/admin/compat surfaces/admin/people
                             surfaces/admin/clients
storage/embedded           > base storage/port
storage/redis              > base observability storage/port
storage                    > base observability storage/port storage/embedded storage/redis
surfaces/pages/ui          > base http registry/passwords oidc/realm
surfaces/pages/login       > base limits http registry/model authn oidc/realm oidc/tokens oidc/interaction
                             oidc/provider surfaces/pages/ui
surfaces/pages/home        > http surfaces/pages/ui
surfaces/pages/account     > base revocation http registry/model tokens oidc/realm oidc/sessions oidc/provider
                             surfaces/pages/ui
surfaces/pages             > base limits http oidc/realm oidc/provider surfaces/pages/ui surfaces/pages/login
                             surfaces/pages/account
surfaces/guest-api         > base storage/port revocation limits http registry/model tokens guest/grant
                             guest/limits guest/record guest/trail guest/lookup guest/issue guest/json guest
                             oidc/realm oidc/proofs oidc/client-auth oidc/provider
surfaces/events            > revocation http registry/model registry guest/status oidc/realm oidc/client-auth
                             oidc/endpoints oidc/provider
surfaces/facades/shared    > base observability storage/port revocation limits http registry/model
                             registry/store registry guest/grant guest/limits guest/issue guest
surfaces/facades/databrain > base storage/port revocation http registry/model registry/store guest/grant
                             guest/limits guest/record surfaces/facades/shared
surfaces/facades/informer  > base storage/port revocation http registry/model tokens guest/grant guest/limits
                             guest/record guest/issue guest surfaces/facades/shared
surfaces/facades/semaphor  > base http registry/model guest/grant guest/limits guest/trail
                             surfaces/facades/shared
surfaces/facades           > surfaces/facades/shared surfaces/facades/databrain surfaces/facades/informer
                             surfaces/facades/semaphor
demo                       > http registry/model
surfaces                   > http oidc/realm oidc/sessions oidc/provider surfaces/admin surfaces/pages/home
                             surfaces/pages surfaces/guest-api surfaces/events surfaces/facades/shared
                             surfaces/facades demo
config                     > base storage/port registry/model registry/passwords registry/store audit/export
                             guest/grant guest/limits surfaces/facades
services.ts                > base observability storage/port stats revocation limits keys registry/passwords
                             registry/store audit registry guest/limits guest authn storage surfaces/facades
                             config
cli/serving                > base observability registry/model surfaces/admin/start oidc/realm config
                             services.ts
server.ts                  > base observability http audit/export registry oidc/library oidc/realm oidc/provider
                             surfaces/admin/shared surfaces/admin surfaces/pages/home surfaces/pages
                             surfaces/guest-api surfaces/events surfaces/facades/shared
                             surfaces/facades/informer surfaces/facades demo surfaces services.ts
cli/runtime                > base observability registry/model registry/passwords registry/store registry/apply
                             oidc/realm oidc/provider surfaces/pages config services.ts
cli/remote                 > base registry/model registry oidc/realm surfaces/admin/shared surfaces/admin config
                             cli/runtime
cli/admin-calls            > oidc/provider surfaces/admin/shared surfaces/admin/people surfaces/admin
                             surfaces/pages services.ts cli/runtime cli/remote
cli/upkeep                 > base observability storage/port keys registry/model registry/apply doctor
                             surfaces/admin/realm storage surfaces config services.ts cli/runtime
                             cli/admin-calls
cli/commands               > base observability storage/port revocation registry/model registry/store audit
                             guest/grant guest/limits guest/trail guest/json guest surfaces/admin/start
                             oidc/realm oidc/records oidc/provider surfaces/admin/tokens surfaces/pages
                             surfaces/guest-api demo config services.ts cli/serving server.ts cli/runtime
                             cli/admin-calls
cli                        > base http config cli/runtime cli/remote cli/upkeep cli/commands
main.ts                    > cli
`;

/** The most files that stand side by side in one room. */
const MAX_FILES = 15;

/** Where a package or a global may be used at all, and where anything may ask which profile a realm has. */
const confined: Readonly<Record<string, readonly string[]>> = {
  "'ioredis": ['storage/redis/'],
  "'node:sqlite": ['storage/embedded/', 'demo/'],
  "'oidc-provider": ['oidc/'],
  "'jose": ['keys/', 'oidc/', 'guest/'],
  "'eta": ['surfaces/pages/ui/', 'demo/'],
  "'yaml": ['config/'],
  "'bcrypt": ['registry/passwords/'],
  "'tldts": ['guest/grant/bindings.ts'],
  "'pino": ['observability/'],
  "'prom-client": ['observability/'],
  "'node:cluster": ['cli/'],
  // A product is its folder and one line in facades.ts: nothing else knows it by name.
  "'databrain'": ['surfaces/facades/databrain/'],
  "'semaphor'": ['surfaces/facades/semaphor/'],
  "'informer'": ['surfaces/facades/informer/'],
  "'path-to-regexp": ['http/route-table.ts'],
  'process.env': ['config/'],
  'process.exit': ['cli/', 'main.ts'],
  'Date.now(': ['base/clock.ts'],
  'new Date()': ['base/clock.ts'],
  'Math.random(': [],
  "'keycloak'": ['registry/model/', 'oidc/profiles/'],
  "'strict'": ['registry/model/', 'oidc/profiles/'],
  'view.profile': ['oidc/provider/provider-pool.ts'],
};

const root = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .sort();
const code = new Map(files.map((file) => [file, withoutComments(readFileSync(join(root, file), 'utf8'))]));
const imports = new Map(files.map((file) => [file, importsOf(file)]));

const rooms = roomsOf(table);

describe('the architecture', () => {
  it.each(files)('%s imports only what its room may', (file) => {
    const allowed = rooms.get(roomOf(file));

    expect(allowed, `a line for ${roomOf(file)} in the table`).toBeDefined();
    const targets = (imports.get(file) ?? []).map(roomOf).filter((room) => room !== roomOf(file));
    expect(targets.filter((room) => allowed?.includes(room) !== true)).toEqual([]);
  });

  it('says nothing that the code does not need', () => {
    const needed = new Map(
      files.map((file) => [
        roomOf(file),
        new Set(files.filter((one) => roomOf(one) === roomOf(file)).flatMap(roomsUsedBy)),
      ]),
    );

    const idle = [...rooms].flatMap(([room, allowed]) =>
      allowed.filter((other) => needed.get(room)?.has(other) !== true).map((other) => `${room} > ${other}`),
    );

    expect(idle).toEqual([]);
    expect([...rooms.keys()].filter((room) => !needed.has(room))).toEqual([]);
  });

  it('has arrows that go down only', () => {
    const order = [...rooms.keys()];
    const upwards = [...rooms].flatMap(([room, allowed]) =>
      allowed
        .filter((other) => order.indexOf(other) > order.indexOf(room))
        .map((other) => `${room} > ${other}`),
    );

    expect(upwards).toEqual([]);
  });

  it('has no room with more files than a reader can keep in mind', () => {
    const crowded = [...rooms.keys()].filter(
      (room) => files.filter((file) => roomOf(file) === room).length > MAX_FILES,
    );

    expect(crowded).toEqual([]);
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

/** A line that starts at the margin opens a room; the lines below it that do not go on with it. */
function roomsOf(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = text.trim().replace(/\n\s+/g, ' ').split('\n');
  return new Map(
    lines.map((line) => {
      const [room = '', allowed = ''] = line.split('>');
      return [room.trim(), allowed.split(/\s+/).filter((name) => name !== '')];
    }),
  );
}

function roomOf(file: string): string {
  return file.includes('/') ? dirname(file) : file;
}

function roomsUsedBy(file: string): readonly string[] {
  return (imports.get(file) ?? []).map(roomOf);
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
