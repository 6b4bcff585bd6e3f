/** Tokens issued and asked about per second, as a share of what a bare server does with one call to Redis. */
import { Redis } from 'ioredis';
import { freePort } from '../../support/free-port.ts';
import { type Figure, median } from '../figures.ts';
import { form, interleaved, type Load, type Request, rateOf, send } from '../load.ts';
import { node, printed, SUBJECT_CORE, start, startRedis } from '../processes.ts';
import { guestExchange, introspection, type Subject, serviceLogin } from '../subject.ts';

const CONNECTIONS = 32;
/** So many tokens are asked about in turn. */
const TOKENS = 100;
const warehouse = 'https://warehouse.acme.test';

export async function throughput(subject: Subject, store: string): Promise<readonly Figure[]> {
  const floor = await startFloor();
  const load = (server: Load['server'], requests: readonly Request[]) => () =>
    rateOf({ server, requests, connections: CONNECTIONS });
  const memory = await createMemory(store);
  const serviceTokens = load(subject, [serviceLogin('acme')]);
  const subjects = {
    get: load(floor, [form('/get', { token: 'token' })]),
    opaque: load(subject, await questions(subject)),
    jwt: load(subject, await questions(subject, warehouse)),
    set: load(floor, [form('/set', { token: 'token' })]),
    service: () => memory.watch(serviceTokens),
    serviceJwt: load(subject, [serviceLogin('acme', warehouse)]),
    guest: load(subject, [await guestExchange(subject.url)]),
  };
  for (const warmUp of Object.values(subjects)) await warmUp();
  const rates = await interleaved(subjects);
  const figure = (
    what: string,
    target: number,
    [over, under]: readonly [readonly number[], readonly number[]],
  ) => ratio(what, target, over, under);
  return [
    figure('introspection ÷ floor(GET), opaque', 0.5, [rates.opaque, rates.get]),
    figure('introspection ÷ floor(GET), JWT', 0.5, [rates.jwt, rates.get]),
    figure('client credentials ÷ floor(SET), opaque', 0.3, [rates.service, rates.set]),
    figure('client credentials ÷ floor(SET), JWT', 0.3, [rates.serviceJwt, rates.set]),
    figure('guest tokens by exchange ÷ floor(SET)', 0.2, [rates.guest, rates.set]),
    memory.figure(),
  ];
}

export function ratio(
  what: string,
  target: number,
  over: readonly number[],
  under: readonly number[],
): Figure {
  const value = median(over.map((rate, round) => rate / (under[round] ?? Number.NaN)));
  const note = `${median(over).toFixed(0)}/s of ${median(under).toFixed(0)}/s`;
  return { what, value, unit: '×', target, isRate: true, note };
}

async function startFloor(): Promise<Load['server']> {
  const port = await freePort();
  const server = start(node('./floor-server.ts', String(port), await startRedis()), { core: SUBJECT_CORE });
  await printed(server, 'ready');
  return { url: `http://127.0.0.1:${port}`, process: server };
}

async function questions({ url }: Subject, resource?: string): Promise<readonly Request[]> {
  const requests: Request[] = [];
  for (let count = 0; count < TOKENS; count += 1) {
    const { access_token: token } = await send(url, serviceLogin('acme', resource));
    requests.push(introspection(String(token)));
  }
  const answer = await send(url, requests[0] ?? introspection(''));
  if (answer['active'] !== true) throw new Error('a fresh token is not active');
  return requests;
}

/** What Redis takes for a token: all that it holds more after the loads than before, by all that it has keys more. */
async function createMemory(store: string) {
  const redis = new Redis(store);
  let bytes = 0;
  let keys = 0;

  /** Adds what is there now, or takes it off. */
  async function count(sign: 1 | -1): Promise<void> {
    const info = await redis.info('memory');
    bytes += sign * Number(/used_memory:(\d+)/.exec(info)?.[1]);
    keys += sign * (await redis.dbsize());
  }

  async function watch(work: () => Promise<number>): Promise<number> {
    await count(-1);
    const rate = await work();
    await count(1);
    return rate;
  }

  function figure(): Figure {
    redis.disconnect();
    const what = 'Redis per service token, key and index';
    return { what, value: bytes / keys, unit: 'B', target: 400, isRate: false, note: `over ${keys} tokens` };
  }

  return { watch, figure };
}
