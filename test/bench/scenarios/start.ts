/** From the start of the process to the first token, and what it then holds in memory; embedded store, demo realms. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Figure, median } from '../figures.ts';
import { end, residentMemory } from '../processes.ts';
import { startSubject } from '../subject.ts';

const STARTS = 5;
/** What starting left behind has been cleared away by then. */
const IDLE_MS = 1000;

export async function starting(): Promise<readonly Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'daypass-bench-'));
  const times: number[] = [];
  const memory: number[] = [];
  // The first one makes the store, the keys and the compile cache, and does not count.
  for (let count = 0; count <= STARTS; count += 1) {
    const subject = await startSubject(`sqlite:${join(folder, 'daypass.db')}`);
    times.push(subject.startedInMs);
    await pause(IDLE_MS);
    memory.push(await residentMemory(subject.process));
    await end(subject.process);
  }
  await rm(folder, { recursive: true });
  const note = `the very first, which makes keys: ${times[0]?.toFixed(0)} ms`;
  return [
    {
      what: 'start to first answer',
      value: median(times.slice(1)),
      unit: 'ms',
      target: 700,
      isRate: false,
      note,
    },
    {
      what: 'resident memory, idle',
      value: median(memory.slice(1)),
      unit: 'MB',
      target: 150,
      isRate: false,
      note: '',
    },
  ];
}
