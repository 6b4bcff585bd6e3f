/** `…/stats`: how often what happened in a realm. */
import { z } from 'zod';
import { isKind, kinds, partsOf } from '../../../stats/series.ts';
import type { Line, Span } from '../../../stats/sheet-store.ts';
import { steps } from '../../../stats/sheets.ts';
import { problemOfFaults } from '../shared/faults.ts';
import { type AdminRoute, type Answer, type RealmCall, realmRoute } from '../shared/route.ts';

const DAY_MS = 86_400_000;
/** What is shown when nobody says how far back, in days. */
const usual = { hour: 1, day: 30 } as const;

const time = z.iso.datetime({ offset: true });
const kind = `(${Object.keys(kinds).join('|').replaceAll('.', '\\.')})`;

const query = z.strictObject({
  /** The first moment; moved back to the border of a step. */
  from: time.optional(),
  /** The moment after the last; moved on to the border of a step. Default: now. */
  to: time.optional(),
  step: z.enum(['hour', 'day']).default('hour'),
  /** Only these, with commas between them. */
  kinds: z
    .string()
    .max(500)
    .regex(new RegExp(`^${kind}(,${kind})*$`))
    .optional(),
});

const utc = z.iso.datetime();
const answered = z.strictObject({
  from: utc,
  to: utc,
  step: z.enum(['hour', 'day']),
  /** When each step begins. */
  times: z.array(utc),
  series: z.array(
    z.strictObject({
      kind: z.string(),
      detail: z.string().optional(),
      total: z.int(),
      /** In the order of `times`. */
      values: z.array(z.int()),
    }),
  ),
});

export const statsRoutes: readonly AdminRoute[] = [
  realmRoute({
    id: 'readStats',
    method: 'GET',
    path: '/stats',
    summary:
      'Shows how often what happened, by hours of the last 35 days or by days of the last 400, in UTC. A series that ' +
      'counted nothing is left out.',
    permissions: ['stats:read'],
    query,
    answers: { 200: { description: 'The figures.', schema: answered } },
    handler: readStats,
  }),
];

type Asked = z.output<typeof query>;

async function readStats({ deps, realm, query: asked }: RealmCall<Asked>): Promise<Answer> {
  const span = spanOf(asked, deps.clock());
  const lines = await deps.figures.read(realm.name, span);
  const wanted = asked.kinds?.split(',').filter(isKind);
  return { status: 200, body: shown(span, wanted === undefined ? lines : lines.filter(isOf(wanted))) };
}

function isOf(wanted: readonly string[]): (line: Line) => boolean {
  return ({ series }) => wanted.includes(partsOf(series).kind);
}

function spanOf({ step, from, to }: Asked, now: number): Span {
  const { ms, days } = steps[step];
  const end = Math.ceil((to === undefined ? now + 1 : Date.parse(to)) / ms) * ms;
  const start = Math.floor((from === undefined ? end - usual[step] * DAY_MS : Date.parse(from)) / ms) * ms;
  const faults = [
    ...(start < end ? [] : [{ path: ['from'], message: 'must be before to' }]),
    ...(start >= now - days * DAY_MS - ms
      ? []
      : [{ path: ['from'], message: `lies too far back: figures by the ${step} are kept for ${days} days` }]),
    ...(end <= now + ms + DAY_MS ? [] : [{ path: ['to'], message: 'lies in the future' }]),
  ];
  if (faults.length > 0) throw problemOfFaults(faults);
  return { step, from: start, to: end };
}

function shown({ step, from, to }: Span, lines: readonly Line[]): z.output<typeof answered> {
  const { ms } = steps[step];
  return {
    from: iso(from),
    to: iso(to),
    step,
    times: Array.from({ length: Math.round((to - from) / ms) }, (_, at) => iso(from + at * ms)),
    series: lines.map(({ series, values }) => ({
      ...partsOf(series),
      total: values.reduce((sum, value) => sum + value, 0),
      values,
    })),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
