/**
 * Many realms and one of many users, made through the admin API: how long making, finding and removing takes, and
 * whether it matters to starts, to memory and to the others.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lastingOf } from '../../support/lasting.ts';
import { type Administrator, administrator, writeRealmFiles } from '../administrator.ts';
import { type Figure, median, p99 } from '../figures.ts';
import { type Request, send } from '../load.ts';
import { cpuSeconds, end, residentMemory, startRedis } from '../processes.ts';
import { introspection, type Subject, serviceLogin, startSubject } from '../subject.ts';

export type Size = { readonly realms: number; readonly users: number };

export const small: Size = { realms: 2_000, users: 20_000 };
export const full: Size = { realms: 100_000, users: 1_000_000 };

const BIG = 'big';
const STARTS = 3;
const IDLE_MS = 1000;
/** Lines of one import, as the documentation advises. */
const PIECE = 20_000;
const SEARCHES = 300;
/** Requests of others that are under way at any time. */
const OTHERS = 4;
/** How long each of them waits before it asks again, so that the server is not busy with them alone. */
const OTHERS_REST_MS = 5;
/** How long they are measured before and after the removal. */
const QUIET_MS = 4000;
const JSON_TYPE = 'application/json';

export async function scale(engines: readonly string[], size: Size): Promise<readonly Figure[]> {
  const config = await writeRealmFiles();
  const figures: Figure[] = [];
  for (const engine of engines) {
    const folder = await mkdtemp(join(tmpdir(), 'daypass-bench-'));
    const store = engine === 'redis' ? await startRedis() : `sqlite:${join(folder, 'daypass.db')}`;
    const measured = await scaleOn({ store, config, size });
    figures.push(...measured.map((figure) => ({ ...figure, what: `${engine}: ${figure.what}` })));
    await rm(folder, { recursive: true });
  }
  await rm(config, { recursive: true });
  return figures;
}

type Place = { readonly store: string; readonly config: string; readonly size: Size };

async function scaleOn(place: Place): Promise<readonly Figure[]> {
  const { size, store } = place;
  const start = () => startSubject(store, { env: { DAYPASS_CONFIG: place.config } });
  await end((await start()).process);
  const empty = await idle(start);
  const subject = await start();
  const admin = await administrator(subject.url);
  const made = [await creating(admin, size), await importing(admin, size), ...(await finding(admin, size))];
  await end(subject.process);
  const crowded = await idle(start);
  const figures = [...made, ...independent(empty, crowded), ...(await removing(await start(), store))];
  return figures;
}

type Idle = { readonly ms: number; readonly mb: number };

/** How much a start computes, which says more than a clock on a busy machine, and what the process then holds in memory. */
async function idle(start: () => Promise<Subject>): Promise<Idle> {
  const [times, memory]: [number[], number[]] = [[], []];
  for (let count = 0; count < STARTS; count += 1) {
    const subject = await start();
    times.push(1000 * (await cpuSeconds(subject.process)));
    await pause(IDLE_MS);
    memory.push(await residentMemory(subject.process));
    await end(subject.process);
  }
  return { ms: median(times), mb: median(memory) };
}

function independent(empty: Idle, crowded: Idle): readonly Figure[] {
  return [
    {
      what: 'computing of a start, with them over without',
      value: crowded.ms / empty.ms,
      unit: '×',
      target: 1.2,
      isRate: false,
      note: `${crowded.ms.toFixed(0)} ms to ${empty.ms.toFixed(0)} ms`,
    },
    {
      what: 'memory, with them over without',
      value: crowded.mb / empty.mb,
      unit: '×',
      target: 1.1,
      isRate: false,
      note: `${crowded.mb.toFixed(0)} MB to ${empty.mb.toFixed(0)} MB`,
    },
  ];
}

async function creating({ call }: Administrator, { realms }: Size): Promise<Figure> {
  const times: number[] = [];
  for (let number = 0; number < realms; number += 1) {
    const settings = {
      name: `r-${number}`,
      apis: [{ id: 'api', audience: `https://api.r-${number}.test`, permissions: [{ name: 'read' }] }],
      roles: [{ name: 'reader', permissions: ['api:read'] }],
    };
    const { ms } = await call('POST', '/realms', { type: JSON_TYPE, text: JSON.stringify(settings) });
    times.push(ms);
  }
  const note = `of ${realms}; half of them within ${median(times).toFixed(1)} ms`;
  return { what: 'create a realm, p99', value: p99(times), unit: 'ms', target: 50, isRate: false, note };
}

async function importing({ call }: Administrator, { users }: Size): Promise<Figure> {
  const settings = { name: BIG, roles: [{ name: 'reader' }] };
  await call('POST', '/realms', { type: JSON_TYPE, text: JSON.stringify(settings) });
  const startedAt = performance.now();
  for (let from = 0; from < users; from += PIECE) {
    const lines = Array.from({ length: Math.min(PIECE, users - from) }, (_, at) => userLine(from + at));
    const type = 'application/x-ndjson';
    const { text } = await call('POST', `/realms/${BIG}/users/import`, { type, text: lines.join('\n') });
    const created = text.split('"created"').length - 1;
    if (created !== lines.length) throw new Error(`${lines.length - created} users were not created`);
  }
  const value = users / ((performance.now() - startedAt) / 1000);
  const note = `${users} users, ${PIECE} with each call`;
  return { what: 'import of users', value, unit: '/s', target: 1000, isRate: true, note };
}

/** Of a password that nobody has. */
const passwordHash = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

function userLine(number: number): string {
  const name = nameOf(number);
  return JSON.stringify({ username: name, email: `${name}@big.test`, roles: ['reader'], passwordHash });
}

function nameOf(number: number): string {
  return `user-${String(number).padStart(7, '0')}`;
}

async function finding({ call }: Administrator, { realms, users }: Size): Promise<readonly Figure[]> {
  const figure = async (what: string, pathOf: (at: number) => string): Promise<Figure> => {
    const times: number[] = [];
    for (let at = 0; at < SEARCHES; at += 1) times.push((await call('GET', pathOf(at))).ms);
    const note = `half of them within ${median(times).toFixed(1)} ms`;
    return { what, value: p99(times), unit: 'ms', target: 50, isRate: false, note };
  };
  // Numbers that are spread over all of them, the same in each run.
  const spread = (at: number, of: number) => (at * 7919) % of;
  const prefix = (at: number) => nameOf(spread(at, users)).slice(0, 6 + (at % 7));
  return [
    await figure('search of users, p99', (at) => `/realms/${BIG}/users?search=${prefix(at)}`),
    await figure(
      'search of realms, p99',
      (at) => `/realms?search=r-${String(spread(at, realms)).slice(0, 3)}`,
    ),
    await pages(call),
  ];
}

/** Page after page, as somebody does who reads them all. */
async function pages(call: Administrator['call']): Promise<Figure> {
  const times: number[] = [];
  let next: string | null = '';
  while (next !== null && times.length < SEARCHES) {
    const cursor: string = next === '' ? '' : `&cursor=${next}`;
    const { ms, text } = await call('GET', `/realms/${BIG}/users?limit=50${cursor}`);
    times.push(ms);
    next = (JSON.parse(text) as { next: string | null }).next;
  }
  const note = `half of them within ${median(times).toFixed(1)} ms`;
  return { what: 'page of users, p99', value: p99(times), unit: 'ms', target: 50, isRate: false, note };
}

async function removing(subject: Subject, store: string): Promise<readonly Figure[]> {
  const { call } = await administrator(subject.url);
  const login = serviceLogin('acme');
  const { access_token: token } = await send(subject.url, login);
  const others = [introspection(String(token)), login];
  const quiet = () => {
    const until = performance.now() + QUIET_MS;
    return timesOf(subject.url, others, () => performance.now() > until);
  };
  await quiet();
  const before = p99(await quiet());
  const startedAt = performance.now();
  const removal = call('DELETE', `/realms/${BIG}`).then(() => cleared(call));
  let isOver = false;
  const ended = removal.finally(() => {
    isOver = true;
  });
  const during = await timesOf(subject.url, others, () => isOver);
  await ended;
  const seconds = (performance.now() - startedAt) / 1000;
  const after = p99(await quiet());
  await end(subject.process);
  const left = await lastingOf(store, BIG);
  if (left.length > 0) throw new Error(`the removed realm left ${left.length}, such as ${left[0]}`);
  const busy = p99(during);
  const note =
    `${busy.toFixed(1)} ms to ${before.toFixed(1)} before and ${after.toFixed(1)} after, longest ${Math.max(...during).toFixed(0)} ms; ` +
    `gone after ${seconds.toFixed(0)} s, nothing left`;
  const what = 'p99 of others while the realm is removed, over else';
  return [{ what, value: busy / Math.max(before, after), unit: '×', target: 2, isRate: false, note }];
}

/** Resolves when the realm is no longer there. */
async function cleared(call: Administrator['call']): Promise<void> {
  const isThere = async () =>
    (JSON.parse((await call('GET', `/realms?search=${BIG}`)).text) as { items: unknown[] }).items.length > 0;
  while (await isThere()) await pause(100);
}

/** How long each request took; some are under way at any time, until it is over. */
async function timesOf(
  url: string,
  requests: readonly Request[],
  isOver: () => boolean,
): Promise<readonly number[]> {
  const times: number[] = [];
  async function oneAfterAnother(): Promise<void> {
    for (let at = 0; !isOver(); at += 1) {
      const request = requests[at % requests.length];
      if (request === undefined) return;
      const startedAt = performance.now();
      await send(url, request);
      times.push(performance.now() - startedAt);
      await pause(OTHERS_REST_MS);
    }
  }
  await Promise.all(Array.from({ length: OTHERS }, oneAfterAnother));
  return times;
}
