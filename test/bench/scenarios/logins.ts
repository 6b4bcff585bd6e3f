/** Password logins, as a share of the Argon2id that the core could do with nothing else to do. */
import { once } from 'node:events';
import type { Figure } from '../figures.ts';
import { interleaved, rateOf } from '../load.ts';
import { node, printed, SUBJECT_CORE, start } from '../processes.ts';
import { personLogin, type Subject } from '../subject.ts';
import { ratio } from './throughput.ts';

const CONNECTIONS = 8;
const RAW_MS = 2000;

export async function logins(server: Subject): Promise<readonly Figure[]> {
  const { raw, login } = await interleaved({
    raw: rawRate,
    login: () => rateOf({ server, connections: CONNECTIONS, requests: [personLogin()] }),
  });
  return [ratio('password logins ÷ raw Argon2id', 0.9, login, raw)];
}

async function rawRate(): Promise<number> {
  const child = start(node('./argon-loop.ts', String(RAW_MS)), { core: SUBJECT_CORE });
  const ended = once(child, 'exit');
  const output = await printed(child, '\n');
  await ended;
  return Number(/rate ([\d.]+)/.exec(output)?.[1]);
}
