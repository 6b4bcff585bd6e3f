import type { ChildProcess } from 'node:child_process';
import autocannon, { type Request } from 'autocannon';
import { cpuSeconds } from './processes.ts';

export type { Request };

export const ROUNDS = 3;
const SECONDS = 2;

/** What is asked of which server, again and again. */
export type Load = {
  readonly server: { readonly url: string; readonly process: ChildProcess };
  readonly connections: number;
  readonly requests: readonly Request[];
};

/**
 * Requests per second of the server's computing time: what a core of its own can do, also on a machine that has other
 * things to do. Throws when one of them fails: a fast refusal is no result.
 */
export async function rateOf({ server, ...load }: Load): Promise<number> {
  const before = await cpuSeconds(server.process);
  const result = await run(server.url, load);
  return result['2xx'] / ((await cpuSeconds(server.process)) - before);
}

/** Milliseconds that all but one in a hundred requests took at most. Throws like `rateOf`. */
export async function latencyOf({ server, ...load }: Load): Promise<number> {
  return (await run(server.url, load)).latency.p99;
}

async function run(url: string, load: Omit<Load, 'server'>): Promise<autocannon.Result> {
  const result = await autocannon({ ...load, url, duration: SECONDS });
  const failed = result.errors + result.timeouts + result.non2xx;
  if (failed > 0) throw new Error(`${failed} requests to ${load.requests[0]?.path} failed`);
  return result;
}

/** One after the other in each round, so that what slows the machine down slows all of them down. */
export async function interleaved<Name extends string>(
  subjects: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Readonly<Record<Name, readonly number[]>>> {
  const rates = Object.fromEntries(Object.keys(subjects).map((name) => [name, []])) as unknown as Record<
    Name,
    number[]
  >;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name in subjects) rates[name].push(await subjects[name]());
  }
  return rates;
}

export function form(
  path: string,
  fields: Readonly<Record<string, string>>,
  authorization?: string,
): Request {
  const headers = {
    // As fetch and most client libraries send it.
    'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    ...(authorization !== undefined && { authorization }),
  };
  return { method: 'POST', path, headers, body: new URLSearchParams(fields).toString() };
}

/** Sends it once; throws unless the answer is 200. */
export async function send(url: string, { path, headers, body }: Request): Promise<Record<string, unknown>> {
  const response = await fetch(url + path, { method: 'POST', headers, body });
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Record<string, unknown>;
}
