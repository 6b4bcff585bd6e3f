/**
 * How events lie in the store: short, because there is one for every guest token, and it is kept long after the token.
 * What follows from the rest is left out and made anew on reading: the id of the token, which is in the key; `hash`;
 * and `prev` of the first event. A changed event gets another hash, so the event after it does not fit any more.
 */
import { z } from 'zod';
import { type ChainedEvent, genesisOf, hashOf } from './trail-chain.ts';

/** When an event with a rhythm was last recorded (milliseconds), and how often. */
export type Noted = Readonly<Record<string, { readonly at: number; readonly times: number }>>;

/** The last event of a trail, and what is remembered of the trail. */
export type Head = {
  readonly event: ChainedEvent;
  readonly noted: Noted;
  /** For how long events of this token are kept. */
  readonly days: number;
};

/** Days that events are kept where nothing else was asked for. */
export const DEFAULT_DAYS = 90;

const chainedEvent = z
  .object({
    seq: z.int().min(1),
    prev: z.string(),
    hash: z.string(),
    event: z.string(),
    at: z.string(),
    token: z.string(),
  })
  .catchall(z.union([z.string(), z.number()]));

/** As versions up to 0.1 wrote it. */
const longRecord = z.object({
  v: z.literal(1),
  event: chainedEvent,
  noted: z.record(z.string(), z.object({ at: z.number(), times: z.int() })).default({}),
});

const shortRecord = z.object({
  v: z.literal(2),
  /** The members of the event by their short names. */
  e: z.record(z.string(), z.union([z.string(), z.number()])),
  /** The `noted` of a head: time and number. */
  n: z.record(z.string(), z.tuple([z.number(), z.int()])).default({}),
  /** The `days` of a head. */
  d: z.int().min(1).default(DEFAULT_DAYS),
});

const shortNames: Readonly<Record<string, string>> = {
  seq: 's',
  prev: 'p',
  event: 'e',
  client: 'c',
  tenant: 't',
  subject: 'u',
  policy_hash: 'h',
  by: 'b',
  ip: 'i',
  user_agent: 'a',
};
const longNames = Object.fromEntries(Object.entries(shortNames).map(([long, short]) => [short, long]));

/** Times lie in the store as milliseconds. Their short names. */
const times: Readonly<Record<string, string>> = { at: 'm', expires_at: 'x' };
const longTimes = Object.fromEntries(Object.entries(times).map(([long, short]) => [short, long]));

export function encodeHead({ event, noted, days }: Head): string {
  const entries = Object.entries(noted).map(([name, { at, times: often }]) => [name, [at, often]] as const);
  return JSON.stringify({
    v: 2,
    e: shortened(event),
    ...(entries.length === 0 ? {} : { n: Object.fromEntries(entries) }),
    ...(days === DEFAULT_DAYS ? {} : { d: days }),
  });
}

export function encodeEvent(event: ChainedEvent): string {
  return JSON.stringify({ v: 2, e: shortened(event) });
}

/** `undefined` for what is not a head that some version wrote. */
export function decodeHead(token: string, value: string): Head | undefined {
  const stored = parse(value);
  const short = shortRecord.safeParse(stored).data;
  if (short === undefined) {
    const long = longRecord.safeParse(stored).data;
    return long && { event: long.event, noted: long.noted, days: DEFAULT_DAYS };
  }
  const event = lengthened(token, short.e);
  const noted = Object.entries(short.n).map(([name, [at, often]]) => [name, { at, times: often }] as const);
  return event && { event, noted: Object.fromEntries(noted), days: short.d };
}

/** `undefined` for what is not an event that some version wrote. */
export function decodeEvent(token: string, value: string): ChainedEvent | undefined {
  return decodeHead(token, value)?.event;
}

type Members = Record<string, string | number>;

function shortened(event: ChainedEvent): Members {
  const short: Members = {};
  for (const [name, value] of Object.entries(event)) {
    if (isFollowing(name, event)) continue;
    const time = times[name] === undefined ? Number.NaN : Date.parse(String(value));
    if (Number.isNaN(time)) short[shortNames[name] ?? name] = value;
    else short[times[name] ?? name] = time;
  }
  return short;
}

/** Whether the member follows from the others and the token. */
function isFollowing(name: string, { seq, by, client }: ChainedEvent): boolean {
  return (
    name === 'token' || name === 'hash' || (name === 'prev' && seq === 1) || (name === 'by' && by === client)
  );
}

function lengthened(token: string, short: Members): ChainedEvent | undefined {
  const open: Members = { token };
  for (const [name, value] of Object.entries(short)) {
    const time = longTimes[name];
    if (time === undefined) open[longNames[name] ?? name] = value;
    else open[time] = isoOf(value);
  }
  if (open['by'] === undefined && open['client'] !== undefined) open['by'] = open['client'];
  if (open['seq'] === 1) open['prev'] = genesisOf(token);
  return chainedEvent.safeParse({ ...open, hash: hashOf(open) }).data;
}

/** Empty for what is no time. */
function isoOf(value: string | number): string {
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? '' : time.toISOString();
}

/** `undefined` for text that is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
