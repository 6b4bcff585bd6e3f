import fc from 'fast-check';
import type { Granted, GuestGrant } from '../../src/guest/grant/grant.ts';
import { parseGrant } from '../../src/guest/grant/grant.ts';
import { type GuestPolicy, guestPolicy } from '../../src/guest/grant/guest-policy.ts';
import { type Comparison, type Predicate, type Rows, rows } from '../../src/guest/grant/predicate.ts';
import { isRefused, type Refusal } from '../../src/guest/grant/refusal.ts';

/** Columns of the test table: with a type, with another, with none, and with a name that must be quoted. */
export const columnNames = ['tenant', 'amount', 'anything', 'Order Group'] as const;

/** Strings that mean something to SQL, to LIKE or to a careless comparison, and some that only sort oddly. */
export const strings = [
  '',
  'a',
  'A',
  'ab',
  'b',
  'acme',
  '0',
  '2',
  '10',
  '1e1',
  ' 2',
  '%',
  'a%',
  '_',
  '\\',
  "'",
  "' OR '1'='1",
  '"; DROP TABLE guests; --',
  "a' UNION SELECT 1 --",
  'é',
  '\uffee',
  '\u{1d49c}',
  '2024-01-01',
  '2024-02-01',
];
export const numbers = [0, 1, 2, -1, 1.5, 10, 2024, Number.MAX_SAFE_INTEGER];

const text = fc.constantFrom(...strings);
const number = fc.constantFrom(...numbers);
const ordered = fc.oneof(text, number);
const scalar = fc.oneof(text, number, fc.boolean());
const list = (minLength: number) =>
  fc.oneof(
    fc.array(text, { minLength, maxLength: 4 }),
    fc.array(number, { minLength, maxLength: 4 }),
    fc.array(fc.boolean(), { minLength, maxLength: 2 }),
  );
const pair = fc.oneof(fc.tuple(text, text), fc.tuple(number, number));

/** Comparisons of one column. */
export function comparisonOf(col: string): fc.Arbitrary<Comparison> {
  const value = (op: Comparison['op'], values: fc.Arbitrary<unknown>) =>
    values.map((given) => readRows({ col, op, value: given }));
  return fc
    .oneof(
      value('eq', scalar),
      value('ne', scalar),
      value('in', list(0)),
      value('not_in', list(1)),
      value('lt', ordered),
      value('lte', ordered),
      value('gt', ordered),
      value('gte', ordered),
      value('between', pair),
      value('starts_with', fc.constantFrom(...strings.slice(1))),
      value('contains', fc.constantFrom(...strings.slice(1))),
      fc.constant(readRows({ col, op: 'is_null' })),
      fc.constant(readRows({ col, op: 'not_null' })),
    )
    .filter((leaf): leaf is Comparison => typeof leaf === 'object' && 'op' in leaf);
}

const leaf = fc.constantFrom(...columnNames).chain(comparisonOf);

/** Predicates of up to `levels` levels. */
export function predicate(levels = 3): fc.Arbitrary<Predicate> {
  if (levels === 1) return leaf;
  const members = fc.array(predicate(levels - 1), { minLength: 1, maxLength: 3 });
  return fc.oneof(
    { weight: 2, arbitrary: leaf },
    { weight: 1, arbitrary: members.map((and) => ({ and })) },
    { weight: 1, arbitrary: members.map((or) => ({ or })) },
  );
}

export const anyRows: fc.Arbitrary<Rows> = fc.oneof(
  { weight: 8, arbitrary: predicate() },
  { weight: 1, arbitrary: fc.constantFrom<Rows>('all', 'none') },
);

/** What a cell may hold before the database stores it in its own way. */
export const cell = fc.oneof(text, number, fc.constant(null));

/** A valid row limit from JSON. */
export function readRows(input: unknown): Rows {
  return rows.parse(input);
}

export const realm: GuestPolicy = guestPolicy.parse({});

/** The least that a native request must say. */
export const smallest = {
  subject: { tenant: 'acme', id: 'u_42' },
  resources: [{ type: 'dashboard', id: 'dash-1', actions: ['view'], rows: 'all' }],
};

export function readGrant(input: unknown, policy: GuestPolicy = realm): GuestGrant {
  const outcome = parseGrant(input, policy);
  if (isRefused(outcome)) throw new Error(JSON.stringify(outcome.refused));
  return outcome.grant;
}

/** A grant with nothing left open, as a token holds it. */
export function readGranted(input: unknown, policy: GuestPolicy = realm): Granted {
  const { subject, resources, lifetime, ...grant } = readGrant(input, policy);
  if (subject === undefined) throw new Error('needs a subject');
  return {
    ...grant,
    subject,
    resources: resources.map((resource) => ({ ...resource, rows: resource.rows ?? 'none' })),
    lifetime: { ...lifetime, ttl: lifetime?.ttl ?? 600 },
  };
}

/** `code pointer` of each refusal; nothing when there was none. */
export function refusalsIn(outcome: object): string[] {
  return isRefused(outcome) ? outcome.refused.map(({ code, pointer }: Refusal) => `${code} ${pointer}`) : [];
}

/** What an outcome holds under a name; fails loudly when it was refused. */
export function accepted<Outcome extends object>(outcome: Outcome): Exclude<Outcome, { refused: unknown }> {
  if (isRefused(outcome)) throw new Error(JSON.stringify(outcome.refused));
  return outcome as Exclude<Outcome, { refused: unknown }>;
}

const jsonRows = fc.oneof(
  { weight: 3, arbitrary: predicate(2) },
  { weight: 1, arbitrary: fc.constantFrom<Rows>('all', 'none') },
);
const optional = { requiredKeys: [] as [] };
const one = <Value>(...values: Value[]) => fc.constantFrom(...values);
const some = <Value>(...values: Value[]) => fc.subarray(values, { minLength: 1 });
const resourceJson = fc
  .tuple(
    fc.record({
      type: one('dashboard', 'metric', 'report', 'custom:x'),
      id: one('a', 'b', 'team:sales'),
      actions: some('view', 'filter', 'export:csv', 'edit'),
      rows: jsonRows,
    }),
    fc.record(
      {
        include: one('children'),
        locations: some('https://a.example.com/', 'https://b.example.com/'),
        columns: one<object>(
          { allow: ['a', 'b'] },
          { allow: ['a'] },
          { deny: ['a'] },
          { mask: { a: 'hash' } },
        ),
        filters: fc.record(
          {
            locked: one<object>({ x: 1 }, { x: 2 }, { y: [1] }),
            initial: one({ x: { from: 1 } }),
            hidden: some('p', 'q'),
            show_on_url: fc.boolean(),
          },
          optional,
        ),
        limits: one<object>({ max_rows: 10 }, { max_rows: 20 }, {}),
      },
      optional,
    ),
  )
  .map(([needed, more]) => ({ ...needed, ...more }));

/** Valid native requests, all from one small world, so that two of them have much to do with one another. */
export const grantJson = fc
  .tuple(
    fc.record({
      subject: one(smallest.subject),
      resources: fc.uniqueArray(resourceJson, {
        minLength: 1,
        maxLength: 3,
        selector: ({ type, id }) => `${type} ${id}`,
      }),
    }),
    fc.record(
      {
        policies: fc.subarray<object>([
          { kind: 'row', name: 'r', params: { a: [1] } },
          { kind: 'connection', name: 'c', params: {} },
        ]),
        context: one<object>(
          { datasource: 'a' },
          { datasource: 'b', locale: 'de' },
          { domains: { mode: 'include', ids: ['s'] } },
        ),
        ui: one<object>(
          { hide: ['x'] },
          { features: { f: true } },
          { features: { f: false } },
          { start: { id: 'a', mode: 'force' } },
        ),
        binding: one<object>(
          { origins: ['https://*.acme.com'] },
          { origins: ['https://a.acme.com'], ip: ['10.1.0.0/16'] },
          { ip: ['10.0.0.0/8'] },
        ),
        lifetime: one<object>(
          { ttl: 60 },
          { ttl: 600, idle: 300 },
          { idle: 60 },
          { max_uses: 3 },
          { one_time: true },
        ),
        session: one({ key: 's' }, { key: 't' }),
      },
      optional,
    ),
  )
  .map(([needed, more]) => ({ ...needed, ...more }));
